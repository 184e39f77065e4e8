"""``ravenstvo doctor``: what is wrong with this installation, and what to do about it. It looks and changes nothing."""

from ravenstvo.runtime.doctor.examination import examine, tell
from ravenstvo.runtime.doctor.finding import Finding, Level

__all__ = ["Finding", "Level", "examine", "tell"]
