"""Files land in lots: each file goes its own way, whatever becomes of the others of its lot."""

from __future__ import annotations

import pytest
from ravenstvo.runtime import tasks


def test_every_file_is_in_one_lot_and_no_lot_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAVENSTVO_READERS", "3")
    files = [{"path": str(number)} for number in range(7)]
    lots = tasks.batches(files)
    assert sorted(file["path"] for lot in lots for file in lot) == [file["path"] for file in files]
    assert [len(lot) for lot in lots] == [3, 2, 2]
    assert [len(lot) for lot in tasks.batches(files[:2])] == [1, 1]
    assert tasks.batches([]) == []


def test_a_file_that_cannot_be_loaded_does_not_keep_out_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def land(file: dict[str, str]) -> dict[str, str]:
        tried.append(file["path"])
        if file["path"] == "b":
            raise OSError("connection lost")
        return file

    monkeypatch.setattr(tasks, "land", land)
    context: dict[str, str] = {}
    with pytest.raises(OSError, match="connection lost"):
        tasks.land_all([{"path": name} for name in "abc"], context)
    assert tried == ["a", "b", "c"]
    # The letter of the failure names the file that failed, not the lot.
    assert context["files"] == "b"
    tasks.land_all([{"path": name} for name in "acd"], context)
    assert context["files"] == "a и ещё 2"
