"""A reading process: answers requests for files one after another.

It runs apart from everything else, with limits on memory and (from outside) on time, because a malformed workbook may
take both. It speaks JSON lines: a request on standard input, an answer on standard output.
"""

from __future__ import annotations

import gc
import json
import logging
import re
import resource
import secrets
import sys
import time
from pathlib import Path
from typing import Any

from ravenstvo import logs
from ravenstvo.intake.pseudonym import Pseudonyms
from ravenstvo.intake.reader import read_file
from ravenstvo.settings import get_settings
from ravenstvo.warehouse.keys import KEY_BYTES, read
from ravenstvo.warehouse.no_space import is_no_space

# Objects made between two searches for cycles. A sheet is a hundred thousand rows that stay until it is written: with
# Python's own number they are searched over and over, a twentieth of the reading.
_GARBAGE_EVERY = 100_000

# Run as a program, this module has another name.
log = logging.getLogger("ravenstvo.intake.serve")


def _logged(request: dict[str, Any], pseudonyms: Pseudonyms) -> dict[str, Any]:
    """The answer, and a line of the log with the ids that came with the request."""
    started = time.monotonic()
    with logs.bound(**request.pop("ids")):
        answer = _answer(request, pseudonyms)
        logs.say(
            log,
            "Файл прочитан",
            seconds=round(time.monotonic() - started, 2),
            status="refused" if answer.get("refused") else "read",
            n_parts=len(answer.get("parts", ())),
            n_records=sum(part["n_records"] for part in answer.get("parts", ()) if "n_records" in part),
            codes=sorted({problem["code"] for problem in answer.get("problems", ())}),
        )
    return answer


def _answer(request: dict[str, Any], pseudonyms: Pseudonyms) -> dict[str, Any]:
    path, full_path = request["path"], Path(request["full_path"])
    if request["task"] == "read":
        try:
            return read_file(path, full_path, Path(request["spool_dir"]), pseudonyms)
        except OSError as error:
            if is_no_space(error):
                return {"no_space": True}
            raise
    from ravenstvo.intake.examine import examine_file

    return examine_file(
        path, full_path, pseudonyms, source=request["source"], wants_proposal=request["task"] == "propose"
    )


def serve(memory_mb: int, key_file: Path, n_keys: int) -> None:
    """Answer requests (see ``pool.Request``) until standard input ends.

    Pseudonyms are made with the first ``n_keys`` keys; with none, by a key of the moment: for what is not landed.
    """
    limit = memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    gc.set_threshold(_GARBAGE_EVERY)
    logs.begin(get_settings())
    pseudonyms = Pseudonyms(*read(key_file)[:n_keys]) if n_keys else Pseudonyms(secrets.token_bytes(KEY_BYTES))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_logged(json.loads(line), pseudonyms), ensure_ascii=False) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    assert re.fullmatch(r"\d+ \d+", f"{sys.argv[1]} {sys.argv[3]}")
    serve(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
