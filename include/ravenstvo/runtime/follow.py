"""Runs a Python module that does not outlive the process which started it: ``python -m … PARENT MODULE ARGUMENTS``.

Without it the tasks of a command that was killed would go on alone, beside the command that is repeated.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1  # prctl(2), Linux


def following(command: list[str]) -> list[str]:
    """The same ``python -m MODULE …`` command, bound to this process."""
    python, option, *rest = command
    assert option == "-m"
    return [python, "-m", __name__, str(os.getpid()), *rest]


def main() -> None:
    """Ask the kernel to be killed with the parent, then become the module."""
    _, parent, module, *arguments = sys.argv
    # Elsewhere than on Linux the lock that is handed down still keeps a second command from working beside this one.
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        return  # it died before the kernel was asked
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
