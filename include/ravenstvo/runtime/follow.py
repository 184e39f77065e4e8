"""Becomes a command that does not outlive the process which started it: ``python -m … PARENT COMMAND…``.

Without it the tasks of a run that was killed would go on alone, beside the run that is repeated.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1  # prctl(2), Linux


def following(command: list[str]) -> list[str]:
    """The same command, bound to this process."""
    return [sys.executable, "-m", __name__, str(os.getpid()), *command]


def main() -> None:
    """Ask the kernel to be killed with the parent, then become the command."""
    _, parent, *command = sys.argv
    # Elsewhere than on Linux the lock that is handed down still keeps a second run from working beside this one.
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == int(parent):  # else it died before the kernel was asked
        os.execvp(command[0], command)


if __name__ == "__main__":
    main()
