"""Conditions and results of a year's schools: indices of conditions, and what results are to be expected in them.

Every rule is a row of a seed (``context_input``, ``context_index``, ``context_model``); the statistics are pure
functions in ``context_index`` and ``context_model``. Rows are ordered by school: sums of floats depend on it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from psycopg2.extensions import cursor as Cursor

from ravenstvo.errors import ToldError
from ravenstvo.estimates import context_index, context_model
from ravenstvo.estimates.context_index import Index, IndexRule
from ravenstvo.estimates.context_model import Floats
from ravenstvo.estimates.tables import read, replace_year

_DIGITS = 9
"""Decimals that are kept: what lies beyond depends on the machine's arithmetic and would change hashes."""

_IN_FORCE = "valid_from_year <= %(year)s and coalesce(valid_to_year, %(year)s) >= %(year)s"

_INDICES = f"""
    select index_code, index_version, kind, priority, parameters from seeds.context_index
    where {_IN_FORCE} order by priority
"""
_MODELS = f"""
    select model_code, model_version, parameters from seeds.context_model
    where {_IN_FORCE} order by model_code collate "C", model_version collate "C"
"""
_INPUTS = "select input_code, sign, outside_school_control from seeds.context_input"
_SCHOOLS = """
    select school_id from core.int_school_context where year = %(year)s
    group by school_id order by school_id collate "C"
"""
_VALUES = "select school_id, input_code, value from core.int_context_value where year = %(year)s"
_OUTCOMES = """
    select school_id, model_code, y, n_participants from core.int_school_outcome where year = %(year)s
"""
# The school as the register knew it at the end of the year; pupils by the form, the register, or those listed.
_COVARIATES = """
    with version as (
        select distinct on (school.school_id)
            school.school_id, school.is_rural, school.school_kind, school.enrolment
        from core.dim_school as school
        cross join lateral (
            select coalesce(extract(year from school.valid_from) <= %(year)s, true) as has_begun
        ) as version
        order by
            school.school_id, version.has_begun desc,
            case when version.has_begun then school.valid_from end desc nulls last, school.valid_from
    ),
    listed as (
        select school_id, sum(n) as pupils
        from (
            select counts.school_id, procedure.grade, max(coalesce(n_enrolled_listed, n_participants)) as n
            from core.fct_school_procedure as counts
            inner join core.dim_procedure as procedure using (procedure_code)
            where counts.year = %(year)s
            group by counts.school_id, procedure.grade
        ) as grade
        group by school_id
    )
    select
        version.school_id,
        coalesce(version.is_rural, context.is_rural) as is_rural,
        version.school_kind,
        coalesce(nullif(context.pupils, 0), nullif(version.enrolment, 0), nullif(listed.pupils, 0))::float8 as pupils
    from version
    left join core.fct_school_context as context
        on context.school_id = version.school_id and context.year = %(year)s
    left join listed on listed.school_id = version.school_id
    order by version.school_id collate "C"
"""
_WEIGHTS = ["index_code", "index_version", "input_code", "weight", "mean", "sd", "n_schools"]
_INDEX = ["school_id", "index_code", "index_version", "raw_value", "context_index", "n_inputs", "n_missing_inputs"]
_INDEX += ["is_of_year"]
_MODEL = ["model_code", "model_version", "term", "coefficient", "standard_error", "r_squared", "n_schools"]
_MODEL += ["n_participants", "index_code", "index_version"]
_PREDICTION = ["school_id", "model_code", "model_version", "outcome_score", "expected_score", "residual_z"]
_PREDICTION += ["n_participants"]


class ContextRuleError(ToldError):
    """A seed of the context asks for what it may not have."""


@dataclass(frozen=True)
class Version:
    """One version of an index and what it came to in the year; ``schools`` are the rows of its arrays."""

    code: str
    version: str
    inputs: list[str]
    schools: list[str]
    index: Index
    coverage: tuple[int, int]
    """Share of the schools of the most complete version that it must know to be chosen: numerator, denominator."""

    @property
    def name(self) -> str:
        """Code and version, as ``context_model`` names them."""
        return f"{self.code} {self.version}"

    @property
    def known(self) -> set[str]:
        """Schools that the version gives a value to."""
        return {school for school, value in zip(self.schools, self.index.value, strict=True) if np.isfinite(value)}


def estimate(cursor: Cursor, year: int) -> dict[str, int]:
    """Replace the indices, weights, models and predictions of a year. Returns the number of rows by table.

    Raises ContextRuleError if a seed names an unknown input, or an index has one that the school controls.
    """
    outcomes = read(cursor, _OUTCOMES, year=year)
    models = [(row.model_code, row.model_version, json.loads(row.parameters)) for row in _rows(cursor, _MODELS, year)]
    minimum = {code: parameters["min_participants"] for code, _, parameters in models}
    outcomes = outcomes[outcomes.n_participants >= outcomes.model_code.map(minimum)]
    versions = _versions(cursor, year, outcomes)
    covariates = read(cursor, _COVARIATES, year=year) if versions and models else pd.DataFrame()
    fitted = [_fit(model, versions, covariates, outcomes) for model in models] if versions else []
    tables = {
        "estimate_context_weight": pd.DataFrame([row for v in versions for row in _weight_rows(v)], columns=_WEIGHTS),
        "estimate_context_index": _index_rows(versions),
        "estimate_context_model": pd.concat([pd.DataFrame(columns=_MODEL), *(terms for terms, _ in fitted)]),
        "estimate_context_prediction": pd.concat([pd.DataFrame(columns=_PREDICTION), *(rows for _, rows in fitted)]),
    }
    return {table: replace_year(cursor, table, year, rows) for table, rows in tables.items()}


def _rows(cursor: Cursor, statement: str, year: int) -> list[Any]:
    return list(read(cursor, statement, year=year).itertuples(index=False))


def _versions(cursor: Cursor, year: int, outcomes: pd.DataFrame) -> list[Version]:
    """Versions in force of which any school has any input, in the order of their priority."""
    values = read(cursor, _VALUES, year=year)
    if values.empty:
        return []
    schools = list(read(cursor, _SCHOOLS, year=year).school_id)
    inputs = read(cursor, _INPUTS).set_index("input_code")
    table = values.pivot(index="school_id", columns="input_code", values="value").reindex(schools)
    versions = []
    for row in _rows(cursor, _INDICES, year):
        parameters = json.loads(row.parameters)
        codes = list(parameters["inputs"])
        _check(f"{row.index_code} {row.index_version}", codes, inputs)
        own = table.reindex(columns=codes).to_numpy(dtype=np.float64)
        if np.isnan(own).all():
            continue
        result = _outcome(outcomes, parameters.get("outcome_model"), schools)
        index = context_index.compute(_rule(row.kind, parameters, inputs.sign), own, result)
        coverage = (parameters["coverage_numerator"], parameters["coverage_denominator"])
        versions.append(Version(row.index_code, row.index_version, codes, schools, index, coverage))
    return versions


def _check(name: str, codes: list[str], inputs: pd.DataFrame) -> None:
    if unknown := [code for code in codes if code not in inputs.index]:
        raise ContextRuleError(f"Индекс {name}: в context_input нет составляющих {', '.join(unknown)}.")
    if own := [code for code in codes if not inputs.outside_school_control[code]]:
        raise ContextRuleError(f"Индекс {name}: составляющие {', '.join(own)} зависят от школы, в индекс им нельзя.")


def _rule(kind: str, parameters: dict[str, Any], signs: pd.Series[int]) -> IndexRule:
    inputs = parameters["inputs"]
    return IndexRule(
        kind=kind,
        weights=tuple(inputs.values()) if isinstance(inputs, dict) else (1.0,) * len(inputs),
        signs=tuple(int(signs[code]) for code in inputs),
        max_missing=(parameters["max_missing_numerator"], parameters["max_missing_denominator"]),
        percentiles=(parameters["percentile_low"], parameters["percentile_high"]),
        min_schools=parameters["min_schools"],
    )


def _outcome(outcomes: pd.DataFrame, model: str | None, schools: list[str]) -> Floats | None:
    if model is None:
        return None
    of_model = outcomes[outcomes.model_code == model].set_index("school_id").y
    return of_model.reindex(schools).to_numpy(dtype=np.float64)


def _weight_rows(version: Version) -> list[tuple[object, ...]]:
    index = version.index
    if index.weights is None:
        return []
    return [
        (version.code, version.version, code, *_rounded(weight, mean, sd), n)
        for code, weight, mean, sd, n in zip(
            version.inputs, index.weights, index.mean, index.sd, index.n_schools, strict=True
        )
        if n
    ]


def _rounded(*numbers: float) -> list[float]:
    return [round(float(number), _DIGITS) + 0.0 for number in numbers]


def _index_rows(versions: list[Version]) -> pd.DataFrame:
    """A row for each school with a form and each version; the version of the year is one for all of them."""
    of_year = _chosen(versions, {school for version in versions for school in version.known})
    frames = [
        pd.DataFrame(
            {
                "school_id": version.schools,
                "index_code": version.code,
                "index_version": version.version,
                "raw_value": version.index.raw.round(_DIGITS) + 0.0,
                "context_index": version.index.value.round(_DIGITS) + 0.0,
                "n_inputs": len(version.inputs),
                "n_missing_inputs": version.index.n_missing,
                "is_of_year": version is of_year,
            }
        )
        for version in versions
    ]
    return pd.concat(frames) if frames else pd.DataFrame(columns=_INDEX)


def _fit(
    model: tuple[str, str, dict[str, Any]], versions: list[Version], covariates: pd.DataFrame, outcomes: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Terms and predictions of one model; no rows where there are too few schools for it."""
    code, version, parameters = model
    nothing = pd.DataFrame(columns=_MODEL), pd.DataFrame(columns=_PREDICTION)
    own = outcomes[outcomes.model_code == code].merge(covariates, on="school_id").sort_values("school_id")
    by_name = {one.name: one for one in versions}
    index = _chosen([by_name[name] for name in parameters["indexes"] if name in by_name], set(own.school_id))
    if index is None:
        return nothing
    own["context_index"] = own.school_id.map(dict(zip(index.schools, index.index.value, strict=True)))
    own = own.dropna(subset=["context_index", *(_COLUMN[name] for name in parameters["covariates"])])
    terms, design = _design(own, parameters) if len(own) else ([], np.empty((0, 0)))
    # Fewer than two schools beyond the terms leave no error to measure, whatever the seed says.
    if not terms or len(own) < len(terms) + max(2, parameters["min_extra_schools"]):
        return nothing
    fit = context_model.fit(design, own.y.to_numpy(np.float64), own.n_participants.to_numpy(np.float64))
    common = {
        "model_code": code,
        "model_version": version,
        "n_schools": len(own),
        "n_participants": int(own.n_participants.sum()),
        "index_code": index.code,
        "index_version": index.version,
        "r_squared": round(fit.r_squared, _DIGITS),
    }
    coefficients = {"coefficient": fit.coefficients, "standard_error": fit.standard_errors}
    predicted = pd.DataFrame(
        {
            "school_id": own.school_id,
            "outcome_score": own.y,
            "expected_score": fit.expected.round(_DIGITS) + 0.0,
            "residual_z": fit.studentised.round(_DIGITS) + 0.0,
            "n_participants": own.n_participants,
            "model_code": code,
            "model_version": version,
        }
    ).dropna()
    rows = pd.DataFrame({"term": terms, **{name: of.round(_DIGITS) + 0.0 for name, of in coefficients.items()}})
    return rows.assign(**common)[_MODEL], predicted[_PREDICTION]


_COLUMN = {"index": "context_index", "rural": "is_rural", "school_kind": "school_kind", "log_pupils": "pupils"}
"""What each covariate of the seed is made of."""


def _chosen(versions: list[Version], schools: set[str]) -> Version | None:
    """The first version that knows enough of the schools, beside the one that knows most of them; in whole numbers."""
    numbers = [len(version.known & schools) for version in versions]
    most = max(numbers, default=0)
    for version, number in zip(versions, numbers, strict=True):
        numerator, denominator = version.coverage
        if number and denominator * number >= numerator * most:
            return version
    return None


def _design(own: pd.DataFrame, parameters: dict[str, Any]) -> tuple[list[str], Floats]:
    """Terms and their columns: the intercept, then what the seed lists; what cannot be told apart is left out."""
    columns: dict[str, Floats] = {"intercept": np.ones(len(own))}
    for name in parameters["covariates"]:
        of = own[_COLUMN[name]]
        if name == "school_kind":
            kinds, base = context_model.pooled_kinds(list(of), parameters["min_kind_schools"])
            for kind in sorted(set(kinds) - {base}):
                columns[f"kind:{kind}"] = np.array([one == kind for one in kinds], dtype=np.float64)
        elif name == "log_pupils":
            columns[name] = np.log(of.to_numpy(np.float64))
        else:
            columns[name] = of.to_numpy(dtype=np.float64)
    design = np.column_stack(list(columns.values()))
    kept = context_model.independent_columns(design)
    return [list(columns)[position] for position in kept], design[:, kept]
