"""A calculation: which years it covers, what it rests on, its dbt stages, its end."""

from ravenstvo.calculation.lifecycle import Calculation, CalculationError, begin, fail, finish
from ravenstvo.calculation.stages import run_stage, timed_stage

__all__ = ["Calculation", "CalculationError", "begin", "fail", "finish", "run_stage", "timed_stage"]
