"""The report of a campaign: one HTML page and its PDF, gathered from the marts."""

from ravenstvo.publishing.report.gathering import READ
from ravenstvo.publishing.report.reader import ReportError
from ravenstvo.publishing.report.writing import publish_reports, write_report

__all__ = ["READ", "ReportError", "publish_reports", "write_report"]
