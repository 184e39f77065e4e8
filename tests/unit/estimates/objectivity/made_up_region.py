"""A made-up region of pupils who answer items, honest unless told otherwise, and the shipped parameters."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from ravenstvo.estimates.objectivity.inputs import Bunching, Inputs, Items, Marker, Scores
from ravenstvo.settings import PROJECT_ROOT

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"
BOUNDARIES = [(12, 3, True), (18, 4, False), (25, 5, False)]


def shipped_markers() -> dict[str, Marker]:
    with (SEEDS / "objectivity_marker.csv").open(encoding="utf-8") as file:
        return {
            row["marker"]: Marker(
                marker=row["marker"],
                exams=tuple(json.loads(row["exams"])),
                threshold_numerator=int(row["threshold_numerator"]),
                threshold_denominator=int(row["threshold_denominator"]),
                min_participants=int(row["min_participants"]),
                p_level=float(row["p_level"]) if row["p_level"] else None,
                uses_fdr=row["uses_fdr"] == "true",
                fdr_level=float(row["fdr_level"]) if row["fdr_level"] else None,
                excluded_school_kinds=tuple(json.loads(row["excluded_school_kinds"])),
                parameters=json.loads(row["parameters"]),
            )
            for row in csv.DictReader(file)
        }


def shipped_bunching() -> Bunching:
    with (SEEDS / "bunching_parameter.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    whole = ("max_degree", "window_below", "window_above", "n_replicates")
    whole += ("min_participants_region", "min_participants_unit")
    real = ("below_share", "above_share", "interval_level", "tilt_prior_sd")
    numbers: dict[str, Any] = {name: int(row[name]) for name in whole} | {name: float(row[name]) for name in real}
    return Bunching(exams=tuple(json.loads(row["exams"])), **numbers)


def answers(rng: np.random.Generator, ability: np.ndarray, difficulty: np.ndarray) -> np.ndarray:
    """Right answers (N, I) of pupils of a Rasch model."""
    return (rng.random((len(ability), len(difficulty))) < 1 / (1 + np.exp(difficulty - ability[:, None]))).astype(int)


def difficulties(n_items: int = 30) -> np.ndarray:
    return np.linspace(-2, 2, n_items)


def region(
    rng: np.random.Generator, n_schools: int = 200, school_sd: float = 0.4, n_items: int = 30
) -> dict[str, np.ndarray]:
    """Works of honest schools: school_id → (n, I)."""
    size = rng.integers(20, 100, n_schools)
    level = rng.normal(0, school_sd, n_schools)
    return {
        f"s{i:03d}": answers(rng, rng.normal(level[i], 1, size[i]), difficulties(n_items)) for i in range(n_schools)
    }


def lift(rng: np.random.Generator, score: np.ndarray, border: int, share: float, depth: int = 3) -> np.ndarray:
    """Some of the works up to ``depth`` points below the border get the border's score."""
    moved = (score < border) & (score >= border - depth) & (rng.random(len(score)) < share)
    return np.where(moved, border, score)


def scores_of(
    schools: dict[str, np.ndarray],
    n_scores: int,
    code: str = "vpr_rus_8",
    grade: int = 8,
    minimum: int = BOUNDARIES[0][0],
) -> Scores:
    """Scores from each school's vector of scores."""
    names = sorted(schools)
    counts = np.array([np.bincount(schools[name], minlength=n_scores) for name in names])
    n = counts.sum(axis=1)
    ids = np.array(names, dtype=object)
    return Scores(code, "vpr", "rus", grade, ids, counts, n, counts[:, :minimum].sum(axis=1), np.zeros_like(n))


def items_of(schools: dict[str, np.ndarray], code: str = "vpr_rus_8") -> Items:
    names = sorted(schools)
    points = np.array([schools[name].sum(axis=0) for name in names])
    n = np.array([len(schools[name]) for name in names])
    labels = [str(i) for i in range(points.shape[1])]
    ids = np.array(names, dtype=object)
    return Items(code, ids, n, labels, points, np.repeat(n[:, None], len(labels), 1), np.ones(len(labels)))


def counts_of(scores: Scores, exam: str = "vpr") -> pd.DataFrame:
    mean = (scores.counts @ np.arange(scores.counts.shape[1])) / scores.n
    return pd.DataFrame(
        {
            "school_id": scores.school,
            "procedure_code": scores.procedure_code,
            "exam": exam,
            "subject": scores.subject,
            "grade": scores.grade,
            "n": scores.n,
            "n_below": scores.n_below.astype(float),
            "mean": mean,
        }
    )


def inputs(**changed: Any) -> Inputs:
    """Nothing came but what is given."""
    counts = pd.DataFrame(columns=["school_id", "procedure_code", "exam", "subject", "grade", "n", "n_below", "mean"])
    nothing = Inputs(
        year=2031,
        markers=shipped_markers(),
        bunching=shipped_bunching(),
        kinds={},
        municipalities={},
        scores={},
        scores_before={},
        boundaries={},
        counts=counts,
        counts_before=counts,
        journal=pd.DataFrame(columns=["school_id", "procedure_code", "n", "n_lowered", "n_apart"]),
        items=[],
        classes=pd.DataFrame(columns=["procedure_code", "school_id", "class_label", "n", "n_identical"]),
    )
    return replace(nothing, **changed)


def inputs_of(works: dict[str, np.ndarray], scores: Scores | None = None) -> Inputs:
    """Inputs of one procedure from answers; ``scores`` where they are not the sums of answers."""
    n_items = next(iter(works.values())).shape[1]
    own = scores or scores_of({school: given.sum(axis=1) for school, given in works.items()}, n_items + 1)
    return inputs(
        scores={own.procedure_code: own},
        boundaries={own.procedure_code: BOUNDARIES},
        counts=counts_of(own),
        items=[items_of(works)],
        kinds=dict.fromkeys(works, "СОШ"),
    )
