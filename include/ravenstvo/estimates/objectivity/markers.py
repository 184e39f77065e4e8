"""Markers B1–B8: each finds, school by school and procedure by procedure, what is worth looking at.

Every function returns one row for each school and procedure where its marker can be computed; where it cannot (too
few works, no inputs) there is no row. Columns: ``school_id``, ``procedure_code``, ``value``, ``threshold``, ``n``,
``p_value`` (null for a marker without a test), ``holds`` — the marker's own conditions —, ``details`` (JSON).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import bdtr, bdtrc, ndtr, stdtr

from ravenstvo.estimates.objectivity.bunching import Curve
from ravenstvo.estimates.objectivity.inputs import Inputs, Items, Marker, Scores

COLUMNS = ["school_id", "procedure_code", "value", "threshold", "n", "p_value", "holds", "details"]
# So many digits are kept of what is computed in floating point.
_DIGITS = 9
# Draws of the expected share that a binomial probability is averaged over.
_TAIL_DRAWS = 50


def all_markers(data: Inputs, curves: dict[str, Curve]) -> pd.DataFrame:
    """Rows of ``core.estimate_marker`` but the year.

    One Benjamini–Hochberg procedure runs over all tested markers, schools and procedures of the year, and over what
    is flagged in the end: a test whose marker's own conditions do not hold enters it with probability 1.
    """
    found = []
    for code, compute in _MARKERS.items():
        rule = data.markers.get(code)
        if rule is None:
            continue
        rows = compute(rule, data, curves)
        if rows.empty:
            continue
        rows = rows.assign(
            marker=code,
            tested=rule.uses_fdr & rows.p_value.notna(),
            level=np.nan if rule.fdr_level is None else rule.fdr_level,
        )
        if rule.p_level is not None:
            rows["holds"] &= (rows.p_value < rule.p_level).to_numpy(dtype=bool)
        found.append(rows)
    if not found:
        return pd.DataFrame()
    rows = pd.concat(found, ignore_index=True)
    # Of tens of thousands of schools they are a million rows: twice is enough.
    found.clear()
    tested = rows.tested.to_numpy(dtype=bool)
    holds = rows.holds.to_numpy(dtype=bool)
    q_value = np.full(len(rows), np.nan)
    q_value[tested] = false_discovery(np.where(holds, rows.p_value, 1.0)[tested])
    rows["q_value"] = q_value
    rows["is_flagged"] = holds & (~tested | (q_value <= rows.level.to_numpy(dtype=float)))
    rows = rows.sort_values(["procedure_code", "school_id", "marker"], kind="stable", ignore_index=True)
    names = ["school_id", "procedure_code", "marker", "value", "threshold", "n", "p_value", "q_value", "is_flagged"]
    return rows[[*names, "details"]]


def false_discovery(p_values: np.ndarray) -> np.ndarray:
    """Adjusted probabilities of Benjamini and Hochberg (1995): flagging those ≤ α holds the false share at α."""
    order = np.argsort(-p_values, kind="stable")
    steps = p_values[order] * len(p_values) / np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(steps)) if len(p_values) else steps
    return adjusted


def high_mean(rule: Marker, data: Inputs, _curves: dict[str, Curve]) -> pd.DataFrame:
    """B1: the mean is far above that of schools of the kind, and ОГЭ or ЕГЭ of the subject do not confirm it.

    z = (school's mean − mean of pupils of schools of the kind) / (their standard deviation / √n).
    """
    confirmed = _confirmed(rule, data)
    parts = []
    for one in _of_exams(rule, data.scores):
        n, mean = _means(one)
        kinds = np.array([data.kinds.get(school, "") for school in one.school], dtype=object)
        enough = n >= rule.min_participants
        if not enough.any():
            continue
        top = rule.parameters["top_numerator"] / rule.parameters["top_denominator"]
        border = float(np.quantile(mean[enough], top, method="inverted_cdf"))
        kind_mean, kind_sd = _by_kind(one, kinds, int(rule.parameters["min_schools_of_kind"]))
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (mean - kind_mean) / (kind_sd / np.sqrt(n))
        kept = enough & np.isfinite(z) & ~np.isin(kinds, rule.excluded_school_kinds)
        is_confirmed = np.array([(school, one.subject) in confirmed for school in one.school])
        holds = (z > rule.threshold) & (mean > border) & ~is_confirmed
        parts.append(
            _frame(
                one.procedure_code,
                school_id=one.school[kept],
                value=z[kept],
                threshold=rule.threshold,
                n=n[kept],
                p_value=ndtr(-z[kept]),
                holds=holds[kept],
                details=_details(
                    mean=mean[kept],
                    kind_mean=kind_mean[kept],
                    kind_sd=kind_sd[kept],
                    top_border=np.full(kept.sum(), border),
                    is_confirmed=is_confirmed[kept],
                ),
            )
        )
    return _together(parts)


def _by_kind(one: Scores, kinds: np.ndarray, min_schools: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of pupils of schools of each school's kind; a rare or unknown kind takes all."""
    mean, sd = np.empty(len(kinds)), np.empty(len(kinds))
    for kind in np.unique(kinds):
        members = kinds == kind
        alike = members if kind and members.sum() >= min_schools else np.ones(len(kinds), dtype=bool)
        total = one.counts[alike].sum(axis=0)
        score = np.arange(len(total))
        number = int(total.sum())
        middle = float(total @ score) / max(number, 1)
        mean[members] = middle
        sd[members] = np.sqrt(float(total @ (score - middle) ** 2) / max(number - 1, 1))
    return mean, sd


def _confirmed(rule: Marker, data: Inputs) -> set[tuple[str, str]]:
    """(school, subject) whose mean at a confirming exam of the year is not below the median of schools."""
    exams = data.counts[data.counts.exam.isin(rule.parameters["confirming_exams"]) & data.counts["mean"].notna()]
    result = set()
    for _, rows in exams.groupby("procedure_code", sort=True):
        mean = rows["mean"].to_numpy(dtype=float)
        high = mean >= np.median(mean)
        result |= set(zip(rows.school_id[high], rows.subject[high], strict=True))
    return result


def inverted_profile(rule: Marker, data: Inputs, _curves: dict[str, Curve]) -> pd.DataFrame:
    """B2: easy items are done worse than in the region and hard ones better.

    ρ is Spearman's correlation over items between the regional share of points (high for an easy item) and the
    school's share minus the regional one; the inverted profile is a negative ρ, together with a mean difference
    below zero over the easier half of items and above zero over the harder half: a strong school, which gains most
    on hard items because easy ones have no room left, gains on both halves.
    """
    parts = []
    for items in data.items:
        share, region = item_shares(items)
        known = region[None, :] + 0 * share
        n_items = np.isfinite(known).sum(axis=1)
        kept = (items.n >= rule.min_participants) & (n_items >= rule.parameters["min_items"])
        if not kept.any():
            continue
        difference = (share - known)[kept]
        rho = spearman(known[kept], difference)
        middle = np.nanmedian(known[kept], axis=1)[:, None]
        easier = _mean_where(difference, known[kept] > middle)
        harder = _mean_where(difference, known[kept] < middle)
        limit = np.clip(rho, -1 + 1e-12, 1 - 1e-12)
        freedom = n_items[kept] - 2
        p_value = stdtr(freedom, limit * np.sqrt(freedom / (1 - limit**2)))
        seen = np.isfinite(rho)
        # The sign of the threshold is the direction: −1/2 means «ρ at −0,5 or lower».
        holds = (rho <= rule.threshold) & (easier < 0) & (harder > 0)
        parts.append(
            _frame(
                items.procedure_code,
                school_id=items.school[kept][seen],
                value=rho[seen],
                threshold=rule.threshold,
                n=items.n[kept][seen],
                p_value=p_value[seen],
                holds=holds[seen],
                details=_details(n_items=n_items[kept][seen], easier_half=easier[seen], harder_half=harder[seen]),
            )
        )
    return _together(parts)


def item_shares(items: Items) -> tuple[np.ndarray, np.ndarray]:
    """Share of points by school and item (S, I) and in the region (I,); no answers, no share."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = items.points / (items.answers * items.maximum)
        region = items.points.sum(axis=0) / (items.answers.sum(axis=0) * items.maximum)
    return np.where(np.isfinite(share), share, np.nan), np.where(np.isfinite(region), region, np.nan)


def spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman's correlation of each row of x with the same row of y, (S, I) → (S,); nan is left out in both."""
    gone = np.isnan(x) | np.isnan(y)
    ranks = [_ranks(np.where(gone, np.nan, values)) for values in (x, y)]
    number = np.maximum(1, (~gone).sum(axis=1, keepdims=True))
    centred = [np.where(gone, 0.0, rank - np.nansum(rank, axis=1, keepdims=True) / number) for rank in ranks]
    with np.errstate(divide="ignore", invalid="ignore"):
        result: np.ndarray = (centred[0] * centred[1]).sum(axis=1) / np.sqrt(
            (centred[0] ** 2).sum(axis=1) * (centred[1] ** 2).sum(axis=1)
        )
    return result


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks within each row, ties get their mean; nan has none."""
    less = (values[:, None, :] < values[:, :, None]).sum(axis=2)
    same = (values[:, None, :] == values[:, :, None]).sum(axis=2)
    return np.where(np.isnan(values), np.nan, less + (same + 1) / 2)


def _mean_where(values: np.ndarray, kept: np.ndarray) -> np.ndarray:
    number = kept.sum(axis=1)
    total = np.where(kept, values, 0.0).sum(axis=1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def bunched(rule: Marker, data: Inputs, curves: dict[str, Curve]) -> pd.DataFrame:
    """B3: more works at the first score of a mark than a smooth distribution puts there.

    Of the works at the border and one below it, k stand at the border: one-sided binomial test against the share that
    the smooth distribution of the region, leant to the school's level and spread, puts there. That distribution is
    known as draws, so the probability is the mean over them. The border with the smallest probability counts, times
    the number of borders tested (Bonferroni).
    """
    parts = []
    for one in _of_exams(rule, data.scores):
        curve = curves.get(one.procedure_code)
        if curve is None:
            continue
        at = np.array([window.boundary for window in curve.windows])
        k, m = one.counts[:, at], one.counts[:, at - 1]
        shares = [curve.expected_share(window) for window in curve.windows]
        expected = np.column_stack([share for share, _ in shares])
        tested = k + m >= rule.min_participants
        p_value = np.full(k.shape, np.nan)
        for i, (_, drawn) in enumerate(shares):
            which = tested[:, i]
            p_value[which, i] = _binomial_tail(k[which, i], (k + m)[which, i], drawn[:_TAIL_DRAWS, which])
        n_tested = tested.sum(axis=1)
        kept = n_tested > 0
        if not kept.any():
            continue
        row = np.arange(kept.sum())
        best = np.argmin(np.where(tested[kept], p_value[kept], np.inf), axis=1)
        number = (k + m)[kept][row, best]
        adjusted = np.minimum(1.0, p_value[kept][row, best] * n_tested[kept])
        share = k[kept][row, best] / number
        parts.append(
            _frame(
                one.procedure_code,
                school_id=one.school[kept],
                value=share,
                threshold=expected[kept][row, best],
                n=number,
                p_value=adjusted,
                holds=share > expected[kept][row, best],
                details=_borders(at[best], at, k[kept], m[kept], expected[kept], p_value[kept]),
            )
        )
    return _together(parts)


def _binomial_tail(k: np.ndarray, n: np.ndarray, share: np.ndarray) -> np.ndarray:
    """P(at least k of n), (S,), where the share itself is known as draws (R, S): the mean over them."""
    tail = np.asarray(bdtrc(np.maximum(k - 1.0, 0.0), n, share)).mean(axis=0)
    result: np.ndarray = np.where(k == 0, 1.0, tail)
    return result


def _borders(
    chosen: np.ndarray, at: np.ndarray, k: np.ndarray, m: np.ndarray, expected: np.ndarray, p_value: np.ndarray
) -> list[str]:
    each = [
        _details(
            boundary=np.full(len(k), border),
            n_at=k[:, i],
            n_below=m[:, i],
            expected_share=expected[:, i],
            p_value=p_value[:, i],
        )
        for i, border in enumerate(at)
    ]
    return [
        f'{{"boundary": {border}, "boundaries": [{", ".join(written)}]}}'
        for border, written in zip(chosen, zip(*each, strict=True), strict=True)
    ]


def journal_mismatch(rule: Marker, data: Inputs, _curves: dict[str, Curve]) -> pd.DataFrame:
    """B4: many works are marked below the journal, or many differ from it by several marks.

    The value is the share that is nearer to its threshold or farther above it.
    """
    rows = data.journal[data.journal.n >= rule.min_participants]
    if rows.empty:
        return _together([])
    n = rows.n.to_numpy(dtype=np.int64)
    lowered, apart = rows.n_lowered.to_numpy(dtype=np.int64), rows.n_apart.to_numpy(dtype=np.int64)
    apart_rule = (int(rule.parameters["apart_numerator"]), int(rule.parameters["apart_denominator"]))
    lowered_rule = (rule.threshold_numerator, rule.threshold_denominator)
    is_lowered = at_least(lowered, n, *lowered_rule)
    is_apart = at_least(apart, n, *apart_rule)
    # Which share is the larger part of its own threshold: lowered·d₁/n₁ against apart·d₂/n₂.
    by_lowered = lowered * lowered_rule[1] * apart_rule[0] >= apart * apart_rule[1] * lowered_rule[0]
    return _frame(
        rows.procedure_code.to_numpy(dtype=object),
        school_id=rows.school_id.to_numpy(dtype=object),
        value=np.where(by_lowered, lowered, apart) / n,
        threshold=np.where(by_lowered, rule.threshold, apart_rule[0] / apart_rule[1]),
        n=n,
        p_value=np.nan,
        holds=is_lowered | is_apart,
        details=_details(
            n_lowered=lowered,
            n_apart=apart,
            is_lowered=is_lowered,
            is_apart=is_apart,
        ),
    )


def cohort_jump(rule: Marker, data: Inputs, _curves: dict[str, Curve]) -> pd.DataFrame:
    """B5: the mean percentile of the same cohort falls from last year's grade to this year's next grade.

    A pupil's percentile is the share of the region's works with a lower score plus half of those with the same one.
    The row stands at this year's procedure.
    """
    parts = []
    before = {(one.subject, one.grade): one for one in data.scores_before.values()}
    for one in _of_exams(rule, data.scores):
        for earlier, later in sorted(rule.parameters["grade_pairs"]):
            last = before.get((one.subject, earlier))
            if one.grade == later and last is not None:
                parts.append(_jump(rule, one, last))
    return _together(parts)


def _jump(rule: Marker, one: Scores, last: Scores) -> pd.DataFrame:
    school, now_at, last_at = np.intersect1d(one.school, last.school, return_indices=True)
    twice, n = (values[now_at] for values in _percentile_parts(one))
    twice_0, n_0 = (values[last_at] for values in _percentile_parts(last))
    kept = (n >= rule.min_participants) & (n_0 >= rule.min_participants)
    school, twice, n, twice_0, n_0 = (values[kept] for values in (school, twice, n, twice_0, n_0))
    number, number_0 = int(one.counts.sum()), int(last.counts.sum())
    # twice_0/(2·N_0·n_0) − twice/(2·N·n) ≥ threshold, in integers of any size.
    falls = [
        (a_0 * number * m - a * number_0 * m_0) * rule.threshold_denominator
        >= rule.threshold_numerator * 2 * number * number_0 * m * m_0
        for a, m, a_0, m_0 in zip(*(values.tolist() for values in (twice, n, twice_0, n_0)), strict=True)
    ]
    percentile, percentile_0 = 50 * twice / (number * n), 50 * twice_0 / (number_0 * n_0)
    return _frame(
        one.procedure_code,
        school_id=school,
        value=percentile_0 - percentile,
        threshold=100 * rule.threshold,
        n=np.minimum(n, n_0),
        p_value=np.nan,
        holds=np.array(falls, dtype=bool),
        details=_details(
            percentile_last_year=percentile_0,
            percentile=percentile,
            grade_last_year=np.full(len(school), last.grade),
            n_last_year=n_0,
            n=n,
        ),
    )


def _percentile_parts(one: Scores) -> tuple[np.ndarray, np.ndarray]:
    """Σ over the works of each school of (2·lower + same) in the region, and their number."""
    region = one.counts.sum(axis=0)
    twice = 2 * (np.cumsum(region) - region) + region
    return one.counts @ twice, one.counts.sum(axis=1)


def later_exam(rule: Marker, data: Inputs, _curves: dict[str, Curve]) -> pd.DataFrame:
    """B6: nobody was below the minimum in last year's ВПР, many are in this year's exam of the subject.

    The row stands at the ВПР procedure, in the year of the exam.
    """
    limit = (int(rule.parameters["max_share_numerator"]), int(rule.parameters["max_share_denominator"]))
    before = data.counts_before
    before = before[
        before.exam.isin(rule.exams)
        & (before.grade == rule.parameters["vpr_grade"])
        & before.n_below.notna()
        & (before.n >= rule.min_participants)
    ]
    later = data.counts[
        (data.counts.exam == rule.parameters["later_exam"])
        & data.counts.n_below.notna()
        & (data.counts.n >= rule.parameters["min_participants_later"])
    ]
    both = before.merge(later, on=["school_id", "subject"], suffixes=("_before", ""), how="inner")
    if both.empty:
        return _together([])
    names = ["n_before", "n_below_before", "n", "n_below"]
    n_0, below_0, n, below = (both[name].to_numpy(dtype=np.int64) for name in names)
    almost_none = below_0 * limit[1] <= limit[0] * n_0
    return _frame(
        both.procedure_code_before.to_numpy(dtype=object),
        school_id=both.school_id.to_numpy(dtype=object),
        value=below / n,
        threshold=rule.threshold,
        n=n,
        p_value=np.nan,
        holds=almost_none & at_least(below, n, rule.threshold_numerator, rule.threshold_denominator),
        details=_details(n_last_year=n_0, n_below_last_year=below_0, n_below=below, later=both.procedure_code),
    )


def no_failures(rule: Marker, data: Inputs, _curves: dict[str, Curve]) -> pd.DataFrame:
    """B7: nobody is below the minimum where by the regional share somebody almost surely would be."""
    parts = []
    least = (int(rule.parameters["min_regional_numerator"]), int(rule.parameters["min_regional_denominator"]))
    counts = data.counts[data.counts.exam.isin(rule.exams) & data.counts.n_below.notna()]
    for code, rows in counts.groupby("procedure_code", sort=True):
        n, below = (rows[name].to_numpy(dtype=np.int64) for name in ("n", "n_below"))
        kept = n >= rule.min_participants
        if not kept.any() or not at_least(below.sum(), n.sum(), *least):
            continue
        region = int(below.sum()) / int(n.sum())
        n, below = n[kept], below[kept]
        parts.append(
            _frame(
                str(code),
                school_id=rows.school_id.to_numpy(dtype=object)[kept],
                value=below / n,
                threshold=rule.threshold,
                n=n,
                p_value=bdtr(below.astype(float), n, region),
                holds=below * rule.threshold_denominator <= rule.threshold_numerator * n,
                details=_details(n_below=below, regional_share=np.full(len(n), region)),
            )
        )
    return _together(parts)


def identical_answers(rule: Marker, data: Inputs, _curves: dict[str, Curve]) -> pd.DataFrame:
    """B8: in one class the share of works alike in every item is above that of nearly all classes of the region."""
    parts = []
    enough = data.classes[data.classes.n >= rule.min_participants]
    for code, rows in enough.groupby("procedure_code", sort=True):
        n = rows.n.to_numpy(dtype=np.int64)
        alike = rows.n_identical.to_numpy(dtype=np.int64)
        # One work is not a group.
        alike = np.where(alike >= rule.parameters["min_identical"], alike, 0)
        share = alike / n
        border = float(np.quantile(share, rule.threshold, method="inverted_cdf"))
        classes = pd.DataFrame(
            {"school_id": rows.school_id, "share": share, "n": n, "alike": alike, "label": rows.class_label.fillna("")}
        ).sort_values(["school_id", "share", "n", "label"], ascending=[True, False, False, True], kind="stable")
        top = classes.drop_duplicates("school_id")
        number = classes.groupby("school_id").size().reindex(top.school_id).to_numpy()
        parts.append(
            _frame(
                str(code),
                school_id=top.school_id.to_numpy(dtype=object),
                value=top.share.to_numpy(),
                threshold=border,
                n=top.n.to_numpy(),
                p_value=np.nan,
                holds=top.share.to_numpy() > border,
                details=_details(n_identical=top.alike.to_numpy(), n_classes=number),
            )
        )
    return _together(parts)


def at_least(part: Any, whole: Any, numerator: int, denominator: int) -> Any:
    """Is part/whole ≥ numerator/denominator, in integers."""
    return part * denominator >= numerator * whole


def _of_exams(rule: Marker, scores: dict[str, Scores]) -> list[Scores]:
    return [scores[code] for code in sorted(scores) if scores[code].exam in rule.exams]


def _means(one: Scores) -> tuple[np.ndarray, np.ndarray]:
    """Works with a score and their mean, (S,) each."""
    n = one.counts.sum(axis=1)
    return n, (one.counts @ np.arange(one.counts.shape[1])) / np.maximum(n, 1)


def _frame(procedure_code: Any, **columns: Any) -> pd.DataFrame:
    rows = pd.DataFrame({"procedure_code": procedure_code, **columns})
    for name in ("value", "threshold"):
        rows[name] = np.round(rows[name].astype(float), _DIGITS)
    return rows[COLUMNS]


def _together(parts: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def _details(**columns: Any) -> list[str]:
    """One JSON object a row, from columns of numbers, truth values or codes without special characters."""
    template = "{{" + ", ".join(f'"{name}": {{}}' for name in columns) + "}}"
    return [template.format(*values) for values in zip(*map(_written, columns.values()), strict=True)]


def _written(values: Any) -> list[str]:
    array = np.asarray(values)
    if array.dtype.kind == "b":
        return ["true" if value else "false" for value in array.tolist()]
    if array.dtype.kind == "f":
        return ["null" if value != value else f"{value:.{_DIGITS}g}" for value in array.tolist()]
    if array.dtype.kind in "iu":
        return [str(value) for value in array.tolist()]
    return [f'"{value}"' for value in array.tolist()]


_MARKERS: dict[str, Callable[[Marker, Inputs, dict[str, Curve]], pd.DataFrame]] = {
    "B1": high_mean,
    "B2": inverted_profile,
    "B3": bunched,
    "B4": journal_mismatch,
    "B5": cohort_jump,
    "B6": later_exam,
    "B7": no_failures,
    "B8": identical_answers,
}
