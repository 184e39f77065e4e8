"""The errors that are meant for a person."""

from __future__ import annotations


class ToldError(RuntimeError):
    """Something that a person can mend or has to know: the message (Russian) says what, and what to do.

    The command line tells it without a traceback.
    """
