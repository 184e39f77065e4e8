"""Who may see what in Superset: roles, users, and the rows that each municipality sees.

The second wall is the database: the connections' users read one schema and cannot write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ravenstvo.publishing.bi.dashboards import AUDIENCES
from ravenstvo.publishing.bi.identity import DATABASES, asset_uuid
from ravenstvo.publishing.dictionary import Mart
from ravenstvo.sight import CLOSED, OPEN, WAYS, condition, sight

ANALYST, MUNICIPALITY, GUEST = AUDIENCES["analyst"], AUDIENCES["municipality"], AUDIENCES["guest"]

# Login of the administrator, in whose name everything is imported and exported.
ADMIN = "admin"


@dataclass(frozen=True)
class Municipality:
    """A municipality of the warehouse: its code and its name as the marts write it."""

    code: str
    name: str

    @property
    def role(self) -> str:
        """Superset role that opens its rows. The code comes first: a renamed municipality keeps its role."""
        return f"{MUNICIPALITY} {self.code} — {self.name}"

    @property
    def login(self) -> str:
        """Its user's name in Superset."""
        return f"mun_{self.code}"


def users(municipalities: list[Municipality]) -> list[dict[str, Any]]:
    """Users to be made where they do not exist: login, what they are called, roles."""
    fixed = (
        (ADMIN, "Администратор", ["Admin"]),
        ("analyst", "Аналитик", [ANALYST]),
        ("guest", "Гость", [GUEST]),
    )
    people = [{"login": login, "name": name, "roles": roles} for login, name, roles in fixed]
    for place in municipalities:
        people.append({"login": place.login, "name": place.name, "roles": [MUNICIPALITY, place.role]})
    return people


def plan(
    marts: dict[str, Mart], municipalities: list[Municipality], dashboards: dict[str, list[str]], anonymous: bool
) -> dict[str, Any]:
    """Everything that is set besides the import; ``dashboards``: uuid to the roles that may open it."""
    schemas = {name: [mart for mart in marts.values() if mart.schema == name] for name in DATABASES}
    visible = [mart for mart in schemas["marts"] if _sight(mart) != CLOSED]
    return {
        "roles": {
            ANALYST: {"like": ["Gamma", "sql_lab"], "datasets": _uuids([*schemas["marts"], *schemas["publish"]])},
            MUNICIPALITY: {"like": ["viewer"], "datasets": _uuids(visible)},
            GUEST: {"like": ["viewer"], "datasets": _uuids(schemas["publish"])},
        },
        # SQL Lab asks for whole schemas.
        "schemas": {ANALYST: [DATABASES["marts"], DATABASES["publish"]]},
        "municipalities": {f"{MUNICIPALITY} {place.code} — ": place.role for place in municipalities},
        "rows_group": "ravenstvo",
        "rows": _rows(schemas["marts"], municipalities),
        "dashboards": dashboards,
        "anonymous": GUEST if anonymous else None,
    }


def _rows(marts: list[Mart], municipalities: list[Municipality]) -> list[dict[str, Any]]:
    """Rules of row-level security, all of one group: a row is seen when any rule of the user's roles lets it through.

    The role itself lets nothing through, so that a user without a municipality, or a mart that does not say whose its
    rows are, shows nothing.
    """
    ways = {way: _uuids([mart for mart in marts if _sight(mart) == way]) for way in WAYS}
    guarded = _uuids([mart for mart in marts if _sight(mart) != OPEN])
    rules = [_rule(MUNICIPALITY, "1 = 0", MUNICIPALITY, guarded)]
    for place in municipalities:
        rules += [_rule(f"{place.role} ({way})", _clause(way, place), place.role, ways[way]) for way in WAYS]
    return [rule for rule in rules if rule["datasets"]]


def _clause(way: str, place: Municipality) -> str:
    code = _literal(place.code)
    schools = f"select school_id from marts.dim_school where municipality_code = {code}"
    return condition(way, code, _literal(place.name), schools)


def _rule(name: str, clause: str, role: str, datasets: list[str]) -> dict[str, Any]:
    return {"name": name, "clause": clause, "role": role, "datasets": datasets}


def _sight(mart: Mart) -> str:
    return sight(mart.audience, mart.titles)


def _uuids(marts: list[Mart]) -> list[str]:
    return [asset_uuid("dataset", mart.name) for mart in marts]


def _literal(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"
