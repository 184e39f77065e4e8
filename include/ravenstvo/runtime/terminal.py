"""What a long command shows while it works and when it is done: alive in a terminal, plain lines everywhere else.

A terminal gets a live list of stages, colours unless ``NO_COLOR`` is set, and links that open; a file, a pipe or a
terminal that cannot move its cursor (``TERM=dumb``) gets the same words as lines without a single escape code.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ravenstvo.words import duration, number

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_WAITING, _RUNNING, _DONE, _FAILED = "waiting", "running", "done", "failed"
_MARKS = {_WAITING: ("·", "dim"), _DONE: ("✓", "green"), _FAILED: ("✗", "bold red")}
_REDRAWS = 8  # a second
_TITLE_WIDTH = 24
# Wider than any line: a pipe has no edge to wrap at.
_ENDLESS = 10_000


def plain(text: str) -> str:
    """Text from outside without what could steer a terminal: a name of a file may hold an escape code."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)


@dataclass
class Stage:
    """A step that takes time. ``progress`` says how far it is, in words, whenever it is drawn."""

    title: str
    state: str = _WAITING
    started: float = 0.0
    seconds: float = 0.0
    progress: Callable[[], str] = field(default=lambda: "")
    reached: str = ""

    def told(self) -> str:
        """How far it is, or came."""
        return self.progress() if self.state == _RUNNING else self.reached

    def elapsed(self) -> float:
        """Seconds so far, or in all."""
        return time.monotonic() - self.started if self.state == _RUNNING else self.seconds


class Terminal:
    """Where a command speaks: stages while it works, then lines, tables and paths."""

    def __init__(self, output: IO[str] | None = None) -> None:
        self._output = sys.stdout if output is None else output
        self._console: Console | None = None
        self._stages: list[Stage] = []
        if self._output.isatty():
            # Importing rich takes time that a pipe need not pay.
            from rich.console import Console

            console = Console(file=self._output, highlight=False, markup=False, emoji=False, soft_wrap=False)
            self._console = console if console.is_terminal and not console.is_dumb_terminal else None

    @property
    def is_live(self) -> bool:
        """Whether there is a terminal that can be drawn upon."""
        return self._console is not None

    def say(self, text: str = "", style: str = "") -> None:
        """A line, or several. A style is a terminal's only."""
        if self._console is None:
            self._write(f"{plain(text)}\n")
        else:
            from rich.text import Text

            self._console.print(Text(plain(text), style), soft_wrap=True)

    def heading(self, text: str) -> None:
        """A line that begins a part of what is told."""
        self.say()
        self.say(text, "bold")

    def path(self, title: str, path: Path | str, width: int = 0) -> None:
        """A line with a path or an address that a terminal can open."""
        target = path.absolute().as_uri() if isinstance(path, Path) else path
        if self._console is None:
            self._write(f"  {plain(title):<{width}}  {plain(str(path))}\n")
            return
        from rich.style import Style
        from rich.text import Text

        line = Text(f"  {plain(title):<{width}}  ")
        line.append(plain(str(path)), Style(color="cyan", link=target))
        self._console.print(line, soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]], *, total: bool = False) -> None:
        """Aligned columns; numbers to the right with spaces between thousands. The last row may be a total."""
        from rich.console import Console

        if not rows:
            return
        if self._console is not None:
            self._console.print(self._rich_table(columns, rows, total))
            return
        console = Console(file=self._output, width=_ENDLESS, force_terminal=False, color_system=None, highlight=False)
        with console.capture() as captured:
            console.print(self._rich_table(columns, rows, total))
        self._write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))

    @contextmanager
    def stages(self, titles: Sequence[str]) -> Iterator[Stages]:
        """Stages known beforehand, in order, shown until the block ends; others may be added as they come."""
        made = Stages(self, titles)
        if self._console is None:
            try:
                yield made
            finally:
                made.close()
            return
        from rich.live import Live

        live = Live(
            get_renderable=made.drawn,
            console=self._console,
            refresh_per_second=_REDRAWS,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        with live:
            try:
                yield made
            finally:
                made.close()

    def _write(self, text: str) -> None:
        self._output.write(text)
        self._output.flush()

    @staticmethod
    def _rich_table(columns: Sequence[str], rows: Sequence[Sequence[object]], total: bool) -> RenderableType:
        from rich.padding import Padding
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_footer=False)
        for place, title in enumerate(columns):
            is_number = all(row[place] is None or isinstance(row[place], int | float) for row in rows)
            table.add_column(Text(title), justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
        for place, row in enumerate(rows):
            style = "bold" if total and place == len(rows) - 1 else ""
            table.add_row(*(Text(_cell(value), style) for value in row))
        return Padding(table, (0, 0, 0, 2), expand=False)


class Stages:
    """The stages of one command, one running at a time."""

    def __init__(self, terminal: Terminal, titles: Sequence[str]) -> None:
        self._terminal = terminal
        self._started = time.monotonic()
        self._list = [Stage(title) for title in titles]
        self._running: Stage | None = None
        self._skipped_shown = True

    def start(self, title: str) -> Stage:
        """End the stage that runs, and begin this one; its ``progress`` may be set."""
        self._end(_DONE)
        stage = next((one for one in self._list if one.title == title and one.state == _WAITING), None)
        if stage is None:
            stage = Stage(title)
            # Before the stages that wait.
            self._list.insert(sum(one.state != _WAITING for one in self._list), stage)
        stage.state, stage.started = _RUNNING, time.monotonic()
        self._running = stage
        if not self._terminal.is_live:
            self._terminal._write(f"  {title} … ")
        return stage

    def fail(self) -> None:
        """The stage that runs has failed."""
        self._end(_FAILED)

    def close(self) -> None:
        """Nothing runs any more: what ran is done, what did not begin is not shown."""
        failing = sys.exc_info()[0] is not None
        self._end(_FAILED if failing else _DONE)
        self._skipped_shown = False

    @property
    def seconds(self) -> float:
        """Since the first stage could begin."""
        return time.monotonic() - self._started

    def drawn(self) -> RenderableType:
        """The stages as they are now; called many times a second."""
        from rich.console import Group
        from rich.spinner import Spinner
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 1))
        table.add_column(width=1)
        table.add_column(min_width=_TITLE_WIDTH, no_wrap=True, overflow="ellipsis")
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", style="dim")
        for stage in self._list:
            if stage.state == _WAITING and not self._skipped_shown:
                continue
            if stage.state == _RUNNING:
                mark: RenderableType = Spinner("dots", style="cyan")
                style = "bold"
            else:
                text, mark_style = _MARKS[stage.state]
                mark, style = Text(text, mark_style), "dim" if stage.state == _WAITING else ""
            time_shown = "" if stage.state == _WAITING else duration(stage.elapsed())
            table.add_row(mark, Text(stage.title, style), time_shown, Text(plain(stage.told())))
        if not self._skipped_shown:
            return table
        return Group(table, Text(f"  Прошло {duration(self.seconds)}", "dim"))

    def _end(self, state: str) -> None:
        stage = self._running
        if stage is None:
            return
        stage.reached, stage.seconds, stage.state = stage.told(), stage.elapsed(), state
        self._running = None
        if not self._terminal.is_live:
            told = stage.reached
            failed = "не выполнено, " if state == _FAILED else ""
            self._terminal._write(f"{failed}{duration(stage.seconds)}{f' ({plain(told)})' if told else ''}\n")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return number(value)
    return plain(str(value))
