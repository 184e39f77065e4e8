"""What is wrong with a file: said in Russian, with the place and with what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Problem:
    """One finding about a file; ``row`` counts from 1, as Excel shows it."""

    code: str
    message: str
    advice: str
    severity: Literal["error", "warning"] = "error"
    sheet: str | None = None
    row: int | None = None
    column: str | None = None
    value: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain dictionary for JSON."""
        return asdict(self)


class RefusedError(Exception):
    """The file cannot be loaded as a whole; ``problems`` say why."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems
