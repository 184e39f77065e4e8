"""The table of the five programmes in README.md, made by the query that stands below it.

``python tests/end_to_end/readme_table.py`` writes it anew from the warehouse of RAVENSTVO_HOME, filled with the sample.
"""

from __future__ import annotations

import csv
import io
import re
import subprocess
from pathlib import Path

from running import RAVENSTVO

README = Path(__file__).parents[2] / "README.md"
_TABLE = re.compile(r"(<!-- programmes: begin -->\n)(.*?)(<!-- programmes: end -->\n)", re.DOTALL)
_QUERY = re.compile(r"<!-- programmes: end -->\n\n```sql\n(.*?)```", re.DOTALL)


def query(readme: str) -> str:
    """The statement below the table."""
    found = _QUERY.search(readme)
    assert found, "README.md has no query below the table of programmes"
    return found[1]


def table(rows: list[dict[str, str]]) -> str:
    """Rows of the query as a Markdown table."""
    head = list(rows[0])
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *(list(row.values()) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def written(readme: str) -> str:
    """The table as it stands in the text."""
    found = _TABLE.search(readme)
    assert found, "README.md has no place for the table of programmes"
    return found[2]


def main() -> None:
    """Put the warehouse's table into README.md."""
    text = README.read_text(encoding="utf-8")
    answer = subprocess.run([str(RAVENSTVO), "query", query(text)], stdout=subprocess.PIPE, text=True, check=True)
    new = table(list(csv.DictReader(io.StringIO(answer.stdout))))
    README.write_text(_TABLE.sub(lambda found: found[1] + new + found[3], text), encoding="utf-8")


if __name__ == "__main__":
    main()
