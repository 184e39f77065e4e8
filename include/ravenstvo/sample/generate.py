"""Writing the whole inbox of the made-up region."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ravenstvo.errors import ToldError
from ravenstvo.sample.exam_files import write_protocols, write_summary_form
from ravenstvo.sample.exams import exam_year
from ravenstvo.sample.programmes import write_programmes
from ravenstvo.sample.pupils import vpr_works
from ravenstvo.sample.region import build_schools
from ravenstvo.sample.registers import write_context, write_monitoring, write_registers
from ravenstvo.sample.spec import works, years_known
from ravenstvo.sample.tables import stamp
from ravenstvo.sample.truth import marks_report, sends_summary
from ravenstvo.sample.vpr_files import write_marks_report, write_vpr


class SampleError(ToldError):
    """The region cannot be written; the message (Russian) says why."""


def generate(
    out: Path, seed: int, n_schools: int, years: list[int], begin: Callable[[str], object] = lambda part: None
) -> list[Path]:
    """Write a made-up region's inbox into `out` and return its files; the same arguments give the same bytes.

    ``begin`` is told the Russian name of each part before it is written: a large region takes minutes.
    Raises SampleError if `out` already holds something or cannot be written, for no schools, no years, and for years
    that no form of files is known for.
    """
    if n_schools < 1 or not years:
        raise SampleError("Нужны хотя бы одна школа и один год.")
    known = years_known()
    if strange := [year for year in years if year not in known]:
        said = ", ".join(map(str, strange))
        raise SampleError(
            f"Нет формы файлов для года {said}: есть для {known[0]}–{known[-1]}. Пример: --years 2022 2023."
        )
    _make_empty(out)
    schools = build_schools(seed, n_schools, years)
    begin("реестры")
    write_registers(out, schools, years)
    write_programmes(out, seed, schools, max(years))
    for year in sorted(years):
        begin(f"{year} год")
        write_vpr(out, year, list(vpr_works(seed, schools, year, min(years))), seed)
        write_context(out, seed, schools, year)
        exams = exam_year(seed, schools, year, min(years))
        write_protocols(out, year, exams, lambda school, year=year: sends_summary(school, year))  # type: ignore[misc]
        senders = [school for school in schools if sends_summary(school, year)]
        if senders:
            write_summary_form(out, year, senders, exams.final_first_attempts())
        if year in works()["marks_report"]["years"]:
            write_marks_report(out, year, marks_report(seed, schools, year, min(years)))
        if year in works()["monitoring"]["years"]:
            write_monitoring(out, seed, schools, year)
        for path in (out / str(year)).rglob("*.*"):
            stamp(path, year, 7, 1)
    return sorted(path for path in out.rglob("*") if path.is_file())


def _make_empty(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        is_empty = not any(out.iterdir())
    except OSError as error:
        raise SampleError(f"Папку «{out}» не создать и не прочесть: укажите другую.") from error
    if not os.access(out, os.W_OK):
        raise SampleError(f"В папку «{out}» нельзя писать: укажите другую.")
    if not is_empty:
        raise SampleError(f"Папка «{out}» не пуста: укажите новую или пустую папку.")
