"""Words of an enumeration that a record contains."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

Word = TypeVar("Word", bound=StrEnum)


def stored_word(words: type[Word], text: str) -> Word:
    """The member of ``words``, or a value that equals no member if a later version of the code wrote it.

    Such a value is written, logged and shown as it was read. It must not be used for input, which has to be refused.
    """
    try:
        return words(text)
    except ValueError:
        later = str.__new__(words, text)
        later._name_ = later._value_ = text
        return later
