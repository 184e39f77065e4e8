"""Ravenstvo: the yearly data pipeline and warehouse of a regional assessment centre."""

__version__ = "0.1.0"
