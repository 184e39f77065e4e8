"""The schools of the made-up region: sizes, weaknesses, keys and histories, all from the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from ravenstvo.sample.spec import names

#: Every so many-th school has low results; every second of these gets better year by year.
LOW_EVERY, LOW_AT = 9, 4
LEADING_KINDS = ("гимназия", "лицей")
#: Every so many-th school is an innovation site.
INNOVATION_EVERY, INNOVATION_AT = 10, 3
GRADES = {"НОШ": (4,), "ООШ": (4, 5, 6, 7, 8)}
ALL_GRADES = (4, 5, 6, 7, 8)
TITLES = {
    "НОШ": ("начальная общеобразовательная школа", "НОШ"),
    "ООШ": ("основная общеобразовательная школа", "ООШ"),
    "СОШ": ("средняя общеобразовательная школа", "СОШ"),
    "гимназия": ("гимназия", "Гимназия"),
    "лицей": ("лицей", "Лицей"),
    "интернат": ("школа-интернат", "Школа-интернат"),
}
RURAL_KINDS = ("СОШ", "ООШ", "СОШ", "СОШ", "ООШ", "НОШ", "СОШ")
TOWN_KINDS = ("СОШ", "гимназия", "СОШ", "СОШ", "лицей", "СОШ")


@dataclass(frozen=True, eq=False)
class School:
    """One school. `size` is pupils per grade, `weakness` the share of pupils who fail."""

    index: int
    code: str
    number: str
    prefix: str | None
    full_name: str
    short_name: str
    municipality: dict[str, Any]
    kind: str
    is_rural: bool
    size: int
    weakness: float
    gets_better: bool
    inn: str
    closed_after: int | None = None
    successor_code: str = ""

    def login(self, year: int) -> str:
        """The login under which the school's files of the year come."""
        own = next(row["prefix"] for row in names()["login_prefixes"] if year <= row["last"])
        return (self.prefix or own) + self.number

    def works_in(self, year: int) -> bool:
        """Whether the school still has pupils in the year."""
        return self.closed_after is None or year <= self.closed_after

    @property
    def grades(self) -> tuple[int, ...]:
        """Grades that sit ВПР."""
        return GRADES.get(self.kind, ALL_GRADES)

    @property
    def is_leader(self) -> bool:
        """Whether the registry calls it a leading school."""
        return self.kind in LEADING_KINDS

    @property
    def is_innovation_site(self) -> bool:
        """Whether the registry calls it an innovation site."""
        return self.index % INNOVATION_EVERY == INNOVATION_AT

    @property
    def has_oge(self) -> bool:
        """Whether pupils leave it after the ninth grade."""
        return self.kind != "НОШ"

    @property
    def has_ege(self) -> bool:
        """Whether pupils leave it after the eleventh grade."""
        return self.kind not in GRADES

    def fail_rate(self, year: int, first_year: int) -> float:
        """Share of pupils expected to fail in the year."""
        return self.weakness * (0.6 ** (year - first_year) if self.gets_better else 1.0)


def build_schools(seed: int, n_schools: int, years: list[int]) -> list[School]:
    """`n_schools` schools; with at least ten of them the last but one closes after the first year's campaign."""
    municipalities = names()["municipalities"]
    towns = set(names()["towns"])
    counters = dict.fromkeys((place["code"] for place in municipalities), 0)
    schools = []
    for index in range(n_schools):
        rng = random.Random(f"{seed}|school|{index}")
        place = municipalities[index % len(municipalities)]
        counters[place["code"]] += 1
        schools.append(_school(rng, index, place, counters[place["code"]], place["code"] not in towns))
    if n_schools >= 10:
        schools[-2] = _closed(schools[-2], schools[-2 - len(municipalities)], min(years))
        # Another school with the same digits in its login: only the prefix tells them apart.
        schools[-1] = _with(schools[-1], prefix="ksh", number=schools[0].number)
    return schools


def _school(rng: random.Random, index: int, place: dict[str, Any], number: int, is_rural: bool) -> School:
    kinds = RURAL_KINDS if is_rural else TOWN_KINDS
    kind = kinds[(number - 1) % len(kinds)]
    is_low = index % LOW_EVERY == LOW_AT
    long_title, short_title = TITLES[kind]
    where = f"с. {rng.choice(names()['villages'])}" if is_rural else "г. " + place["name"].split()[-1]
    tail = f"№ {number} {where}"
    return School(
        index=index,
        code=f"{place['code']}{number:03d}",
        number=f"{names()['region_code']}{index + 1:04d}",
        prefix=None,
        full_name=f"Муниципальное бюджетное общеобразовательное учреждение «{long_title.capitalize()} {tail}»",
        short_name=f"МБОУ {short_title} {tail}",
        municipality=place,
        kind=kind,
        is_rural=is_rural,
        size=(rng.randint(1, 6) if rng.random() < 0.5 else rng.randint(7, 13)) if is_rural else rng.randint(14, 22),
        weakness=rng.uniform(0.38, 0.6) if is_low else rng.triangular(0.01, 0.16, 0.05),
        gets_better=is_low and index % (2 * LOW_EVERY) == LOW_AT,
        inn=_inn(names()["region_code"], rng.randint(0, 99), 10000 + index),
    )


def _with(school: School, **changes: Any) -> School:
    return School(**{**school.__dict__, **changes})


def _closed(school: School, successor: School, last_year: int) -> School:
    return _with(school, closed_after=last_year, successor_code=successor.code)


def _inn(region: int, inspection: int, number: int) -> str:
    """A made-up taxpayer number of a legal entity with a right check digit."""
    body = f"{region:02d}{inspection:02d}{number:05d}"
    weights = (2, 4, 10, 3, 5, 9, 4, 6, 8)
    return body + str(sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11 % 10)
