"""Which schools of the made-up region take part in the programmes, and in which role."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from ravenstvo.sample.region import School
from ravenstvo.sample.spec import support

#: An innovation site as weak as this is helped; the others help.
WEAK = 0.3


@dataclass(frozen=True)
class Membership:
    """A school in a programme; `left` is the first day on which it takes part no more."""

    programme: str
    school: School
    role: str
    joined: date
    left: date | None

    def counts_in(self, year: int) -> bool:
        """Whether the school takes part on at least one day of the year."""
        return self.joined.year <= year and (self.left is None or self.left > date(year, 1, 1))


@dataclass(frozen=True)
class Cast:
    """The schools of the programmes: `leaders` help, `named` are those that a programme's text calls by name."""

    schools: tuple[School, ...]
    leaders: tuple[School, ...]
    named: dict[str, School]
    memberships: tuple[Membership, ...]

    def members(self, programme: str) -> list[School]:
        """Schools that the programme helps, in their order; places in `programmes.yml` are places in this list."""
        return [m.school for m in self.memberships if (m.programme, m.role) == (programme, "участник")]

    def mentors(self, programme: str) -> list[School]:
        """Schools that the programme calls mentors."""
        return [m.school for m in self.memberships if (m.programme, m.role) == (programme, "наставник")]

    def active(self, programme: str, year: int) -> list[School]:
        """Schools that the programme helps in the year and that have pupils in it."""
        return [
            m.school
            for m in self.memberships
            if (m.programme, m.role) == (programme, "участник") and m.counts_in(year) and m.school.works_in(year)
        ]

    def helped_in(self, year: int) -> list[School]:
        """Schools that some programme helps in one of its own years, each once."""
        return unique(school for code in running(year) for school in self.active(code, year))

    @property
    def staffed(self) -> list[School]:
        """Schools that send a list of their staff: all of the cast and a few more."""
        rest = [school for school in self.schools if school.has_oge]
        cast = unique([*(m.school for m in self.memberships), *self.leaders[:8], *self.named.values()])
        others = [school for school in rest if school not in cast]
        return sorted([*cast, *others[: support()["staff"]["others"]]], key=lambda school: school.index)


def running(year: int) -> list[str]:
    """Codes of the programmes that run in the year."""
    return [code for code, spec in support()["programmes"].items() if spec["first"] <= year <= spec["last"]]


def unique(schools: Iterable[School]) -> list[School]:
    """Schools in the order in which they first come."""
    return list(dict.fromkeys(schools))


def places(schools: list[School], spec: dict[str, Any]) -> list[School]:
    """Schools that a line of `programmes.yml` means: those at `at`/`only`, or all without those at `skip`."""
    wanted = spec.get("at", spec.get("only"))
    skipped = spec.get("skip", [])
    if wanted is not None:
        return [schools[place] for place in wanted if place < len(schools)]
    return [school for place, school in enumerate(schools) if place not in skipped]


def build_cast(schools: list[School]) -> Cast:
    """Give the programmes their schools: the weakest are helped, leading schools and innovation sites help."""
    leaders = [s for s in schools if s.is_leader or (s.is_innovation_site and s.weakness < WEAK)]
    leaders.sort(key=lambda school: (not school.is_leader, school.index))
    helped = sorted((s for s in schools if s not in leaders), key=lambda school: (-school.weakness, school.index))
    named = _named(helped)
    memberships = [
        m for code, spec in support()["programmes"].items() for m in _join(code, spec, helped, leaders, named)
    ]
    return Cast(tuple(schools), tuple(leaders), named, tuple(memberships))


def _named(helped: list[School]) -> dict[str, School]:
    """Made-up schools for the names in the programme's text: of the same kind where there is one."""
    lines = support()["named"]
    inside = [line for line in lines if not line.get("outside")]
    open_schools = [school for school in helped if school.closed_after is None]
    chosen, left = open_schools[: len(inside)], open_schools[len(inside) :]
    found: dict[str, School] = {}
    for line in lines:
        pool = left if line.get("outside") else chosen
        if pool:
            school = next((s for s in pool if s.kind == line["kind"]), pool[0])
            pool.remove(school)
            found[line["name"]] = school
    return found


def _join(
    code: str, spec: dict[str, Any], helped: list[School], leaders: list[School], named: dict[str, School]
) -> list[Membership]:
    if spec.get("named"):
        outside = {line["name"] for line in support()["named"] if line.get("outside")}
        members = [school for name, school in named.items() if name not in outside]
    else:
        open_schools = [school for school in helped if school.works_in(spec["first"])]
        members = (_spread(open_schools) if spec.get("spread") else open_schools)[: spec["members"]]
    mentors = [school for school in leaders if school.works_in(spec["first"])][: spec.get("mentors", 0)]
    excluded = spec.get("excluded", {})
    joined = [
        Membership(code, school, "участник", spec["from"], _left(spec, school, place == excluded.get("at")))
        for place, school in enumerate(members)
    ]
    return joined + [
        Membership(code, school, "наставник", spec["from"], _left(spec, school, False)) for school in mentors
    ]


def _spread(schools: list[School]) -> list[School]:
    """One school of each municipality first, then the rest."""
    by_place: dict[str, list[School]] = defaultdict(list)
    for school in schools:
        by_place[school.municipality["code"]].append(school)
    first = [found[0] for found in by_place.values()]
    return first + [school for school in schools if school not in first]


def _left(spec: dict[str, Any], school: School, is_excluded: bool) -> date | None:
    """The day on which a school is out: excluded, or closed; the end of the programme excludes nobody."""
    if is_excluded:
        day: date = spec["excluded"]["from"]
        return day
    return date(school.closed_after, 9, 1) if school.closed_after else None
