"""The numbers behind the verdicts that do not rest on shares of procedures, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ravenstvo.asking.reading import number, percent
from ravenstvo.code_words import told
from ravenstvo.reference import subject_title

_MART = "mart_identification"


def status_word(status: str | None) -> str:
    """What the status of a school is called; a dash where there is none."""
    return str(told(_MART, "status", status)) if status else "—"


def method_numbers(row: Any) -> Iterator[str]:
    """Lines for a row of ``mart_identification`` of a kind that keeps its numbers in ``details``."""
    tell = _BY_KIND.get(row["kind"])
    if tell is not None:
        yield from tell(row, row["details"] or {})


def _hse_context(row: Any, said: dict[str, Any]) -> Iterator[str]:
    yield f"  Категория: {told(_MART, 'category', row['category'])}"
    if said.get("outcome_score") is not None:
        yield (
            f"  Результат за {said['n_years']} г.: {number(said['outcome_score'])} стандартного отклонения от среднего "
            f"по региону; место снизу {said.get('place_from_below') or '—'} из {said['n_schools']}"
        )
    if said.get("expected_score") is not None:
        yield (
            f"  По условиям ожидается {number(said['expected_score'])}; отклонение — {number(said['residual_z'])} "
            "его стандартной ошибки"
        )


def _regional_rank(row: Any, said: dict[str, Any]) -> Iterator[str]:
    if said.get("place") is None:
        return
    groups = ", ".join(
        f"{told(_MART, 'exam', code)} {number(rank)}" for code, rank in sorted(said["group_ranks"].items())
    )
    yield (
        f"  Место снизу {said['place']} из {said['n_schools']}; среднее место (0 — последнее, 1 — первое) "
        f"{number(said['mean_rank'])}: {groups}"
    )


def _stable_low(row: Any, said: dict[str, Any]) -> Iterator[str]:
    yield (
        f"  Предметов и лет с результатами: {said['n_sat'] or 0} из {said['n_needed']}, с неудачами: "
        f"{said['n_failed'] or 0}"
    )
    for key, (below, participants) in sorted((said.get("counts") or {}).items()):
        subject, _, year = key.partition(" ")
        yield f"    {subject_title(subject)}, {year}: ниже минимума {below} из {participants}"


def _fail_concentration(row: Any, said: dict[str, Any]) -> Iterator[str]:
    if said.get("place") is not None:
        before = said["n_below_so_far"] - said["n_below_min"]
        region = said["n_below_region"]
        share = percent(before / region) if region else "—"
        yield (
            f"  Ниже минимума в школе {said['n_below_min']} из {region} по региону; у школ, где их больше, — {before} "
            f"({share}); место {said['place']}"
        )


def _crisis_risk(row: Any, said: dict[str, Any]) -> Iterator[str]:
    results, context = (status_word(said[axis]) for axis in ("results_axis", "context_axis"))
    yield f"  Статус: {status_word(row['status'])} (результаты — {results}, условия и динамика — {context})"
    yield (
        f"  Низких процедур: {row['n_low_procedures']}; вероятность {percent(said['probability_low'])}; лет подряд без "
        f"сомнения низких: {said['n_years_low'] or 0}; отклонение от ожидаемого {number(said['residual_z'])}; "
        f"изменение за год {number(said['slope'])}; тяжёлые условия: {'да' if said['is_adverse'] else 'нет'}; "
        f"разных признаков ВПР: {said['n_markers']}"
    )


def _context_share(row: Any, said: dict[str, Any]) -> Iterator[str]:
    if said.get("context_index") is not None:
        yield (
            f"  Индекс условий {number(said['context_index'], 1)} из 100 (0 — тяжелее всего), место снизу "
            f"{said['place']} из {said['n_schools']}"
        )


_BY_KIND: dict[str, Callable[[Any, dict[str, Any]], Iterator[str]]] = {
    "hse_context": _hse_context,
    "regional_rank": _regional_rank,
    "stable_low": _stable_low,
    "fail_concentration": _fail_concentration,
    "crisis_risk": _crisis_risk,
    "context_share": _context_share,
}
