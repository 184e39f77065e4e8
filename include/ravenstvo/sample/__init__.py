"""A made-up region: its inbox of files, a broken inbox, and what is true of it."""

from ravenstvo.sample.broken import Broken, generate_broken
from ravenstvo.sample.generate import generate
from ravenstvo.sample.truth import ProgrammeTruth, TrueCounts, programme_truth, truth

DEFAULT_YEARS = (2021, 2022, 2023)

__all__ = ["Broken", "ProgrammeTruth", "TrueCounts", "generate", "generate_broken", "programme_truth", "truth"]
