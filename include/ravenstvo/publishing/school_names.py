"""How much two names of schools, or two keys, resemble each other. A score only suggests: nothing is matched by it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from ravenstvo.reference import school_match, school_name_words

_NO_WORD = re.compile(r"[^0-9a-zа-я]+")
# «№5», «5-я», «СОШ№5»: a number is a word of its own.
_NUMBER = re.compile(r"[0-9]+")
_ENDING = re.compile(r"(?<=[0-9]) *(?:я|й|ая|ой)\b")
_LATIN = str.maketrans("aceopxykmhtb", "асеорхукмнтв")


@dataclass(frozen=True)
class Name:
    """Words of a name in the order of the alphabet, one for each meaning, and its numbers apart."""

    words: str
    numbers: frozenset[int]


@cache
def read_name(text: str) -> Name:
    """The name without what schools have in common: legal form, signs, case, «ё», the order of words."""
    folded = _NO_WORD.sub(" ", text.casefold().translate(_LATIN).replace("ё", "е"))
    numbers = frozenset(int(number) for number in _NUMBER.findall(folded))
    words = f" {' '.join(_NUMBER.sub(' ', _ENDING.sub(' ', folded)).split())} "
    for spelling, meaning in _longest_first():
        words = words.replace(f" {spelling} ", f" {meaning} " if meaning else " ")
    return Name(" ".join(sorted(words.split())), numbers)


@cache
def _longest_first() -> list[tuple[str, str]]:
    words = {spelling.translate(_LATIN): meaning for spelling, meaning in school_name_words().items()}
    return sorted(words.items(), key=lambda item: (-len(item[0].split()), -len(item[0]), item[0]))


def name_score(one: str, other: str, *, is_other_municipality: bool = False) -> int:
    """How much two names resemble each other, 0 to 100, by the limits of the seed ``school_match``.

    A name with another number never reaches one with the same number, whatever the words are.
    """
    limits = school_match()
    a, b = read_name(one), read_name(other)
    words = fuzz.ratio(a.words, b.words) if a.words or b.words else 100.0
    if a.numbers == b.numbers:
        share = limits["same_number"] if a.numbers else 0
        score = share + words * (100 - share) / 100
    elif a.numbers and b.numbers:
        score = words * limits["other_number"] / 100
    else:
        score = words * limits["no_number"] / 100
    return round(score * (limits["other_municipality"] if is_other_municipality else 100) / 100)


def code_score(one: str, other: str) -> int:
    """How much two codes, or numbers of logins, resemble each other, 0 to 100: one sign other, two swapped."""
    return round(100 * OSA.normalized_similarity(one, other))
