"""What the marts say, in the shapes of the independent calculation."""

from __future__ import annotations

from independent import Counts, Key, Verdict, school_key
from running import Warehouse

METHODS = "'rosobr_30', 'rosobr_30_wide', 'rosobr_30_repeated'"

# A school whose history has several versions is asked for once: by its latest login.
SCHOOLS = """
    select distinct on (school_id) school_id, login, school_code
    from marts.dim_school
    where login is not null or school_code is not null
    order by school_id, is_current desc, valid_from desc
"""


def counts_by_login(warehouse: Warehouse, procedures: str = "vpr_%") -> dict[Key, Counts]:
    """Counts of `fct_school_procedure` by year, school key (of the login) and procedure."""
    rows = warehouse.ask(f"""
        select f.year, s.login, f.procedure_code, f.n_enrolled_listed, f.n_absent, f.n_participants, f.n_below_min
        from marts.fct_school_procedure as f
        left join ({SCHOOLS}) as s using (school_id)
        where f.procedure_code like '{procedures}'
    """)
    found = {Key(int(row["year"]), school_key(row["login"]), row["procedure_code"]): _counts(row) for row in rows}
    assert len(found) == len(rows), "two rows of one school, procedure and year"
    return found


def counts_by_code(warehouse: Warehouse) -> dict[Key, Counts]:
    """The same by school code, all procedures."""
    rows = warehouse.ask(f"""
        select f.year, s.school_code, f.procedure_code, f.n_enrolled_listed, f.n_absent, f.n_participants, f.n_below_min
        from marts.fct_school_procedure as f
        left join ({SCHOOLS}) as s using (school_id)
    """)
    found = {Key(int(row["year"]), row["school_code"], row["procedure_code"]): _counts(row) for row in rows}
    assert len(found) == len(rows), "two rows of one school, procedure and year"
    return found


def _counts(row: dict[str, str]) -> Counts:
    number = {name: int(row[name]) if row[name] else -1 for name in row if name.startswith("n_")}
    return Counts(
        n_listed=number["n_enrolled_listed"],
        n_absent=number["n_absent"],
        n_participants=number["n_participants"],
        n_below_min=number["n_below_min"],
    )


def verdicts_of(warehouse: Warehouse, key: str) -> dict[tuple[int, str, str], Verdict]:
    """Verdicts of `mart_identification` by year, school (`key`: login or school_code) and method."""
    rows = warehouse.ask(f"""
        select m.year, s.{key} as school, m.method_code, m.is_low_results::int as is_low,
            array_to_string(m.low_procedures, ' ') as low
        from marts.mart_identification as m
        left join ({SCHOOLS}) as s using (school_id)
        where m.method_code in ({METHODS})
    """)
    answers = {"": None, "0": False, "1": True}
    found = {}
    for row in rows:
        school = school_key(row["school"]) if key == "login" else row["school"]
        verdict = Verdict(answers[row["is_low"]], tuple(row["low"].split()))
        found[int(row["year"]), school, row["method_code"]] = verdict
    assert len(found) == len(rows), "two rows of one school, method and year"
    return found


def disagreements(mart: dict, expected: dict, limit: int = 10) -> list[str]:  # type: ignore[type-arg]
    """The first differences, told so that a failed test says where to look; keys only, which name no person."""
    keys = [key for key in sorted(mart.keys() | expected.keys(), key=str) if mart.get(key) != expected.get(key)]
    return [f"{key}: mart {mart.get(key)}, expected {expected.get(key)}" for key in keys[:limit]]


def told(verdicts: dict[tuple[int, str, str], Verdict]) -> dict[tuple[int, str, str], Verdict]:
    """Verdicts that are not null: a mart may list a school without participants or leave it out."""
    return {key: verdict for key, verdict in verdicts.items() if verdict.is_low_results is not None}


def comparable(counts: dict[Key, Counts]) -> dict[Key, tuple[int, int, int, int]]:
    """What both sides count."""
    return {
        key: (value.n_listed, value.n_absent, value.n_participants, value.n_below_min) for key, value in counts.items()
    }
