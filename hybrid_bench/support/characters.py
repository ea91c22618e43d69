"""Characters that are not shown."""

from __future__ import annotations

import re
import unicodedata

#: Categories of characters that are not shown: control, format, surrogate, private and unassigned ones, line separators.
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
#: Unicode's Default_Ignorable_Code_Point outside those categories (fillers, variation selectors), and the blank of Braille.
_IGNORABLE = re.compile(r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
#: Joiners belong to the spelling of words in these scripts.
_JOINERS = "\u200c\u200d"
_JOINED = re.compile(r"ARABIC|SYRIAC|MONGOLIAN|KHMER|MYANMAR|SINHALA|TELUGU|TAMIL|KANNADA|MALAYALAM|DEVANAGARI|BENGALI|GUJARATI|"
                     r"GURMUKHI|ORIYA")  # fmt: skip


def invisible(text: str, allowed: str = "") -> str:
    """The first character that is not shown or changes how others are rendered; empty if there is none.

    Args:
        text: any text.
        allowed: characters that do not count, such as a line feed.
    """
    for at, character in enumerate(text):
        hidden = unicodedata.category(character) in _INVISIBLE or _IGNORABLE.match(character)
        if hidden and character not in allowed and not (character in _JOINERS and _joined(text, at)):
            return character
    return ""


def _joined(text: str, at: int) -> bool:
    """Whether a joiner stands between two letters of a script that has it in its spelling."""
    around = text[at - 1 : at] + text[at + 1 : at + 2]
    return len(around) == 2 and all(_JOINED.match(unicodedata.name(one, "")) for one in around)
