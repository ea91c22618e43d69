"""Languages, licences and measures as mteb writes them."""

from __future__ import annotations

import re
from typing import get_args

import langcodes
from langcodes.tag_parser import LanguageTagError

#: A language that is not stated.
_UNDETERMINED = "und-Zyyy"
#: Scripts that mteb names otherwise than CLDR.
_SCRIPTS = {"Kore": "Hang"}


def mteb_language(tag: str | None) -> str:
    """``deu-Latn``: the ISO 639-3 code and the script of a BCP-47 tag; ``und-Zyyy`` if there is none."""
    if tag is None:
        return _UNDETERMINED
    language = langcodes.Language.get(tag)
    try:
        return f"{language.to_alpha3()}-{language.script or _usual_script(tag)}"
    except LookupError:  # a tag without an ISO 639-3 code
        return _UNDETERMINED


def bcp47(code: str) -> str | None:
    """``de``: the BCP-47 tag of mteb's code, with its script if that is not the usual one; None for programming languages."""
    try:
        stated = langcodes.Language.get(code)
    except LanguageTagError:  # python-Code
        return None
    language, script = stated.language or "", stated.script or ""
    if script in ("Code", "Zyyy", "Zxxx") or not langcodes.tag_is_valid(language):
        return None
    tag = langcodes.standardize_tag(language, macro=True)
    return tag if script in ("", _usual_script(tag)) else langcodes.standardize_tag(f"{tag}-{script}")


def _usual_script(tag: str) -> str:
    script = str(langcodes.Language.get(tag).maximize().script)
    return _SCRIPTS.get(script, script)


def mteb_licence(stated: str) -> str | None:
    """``cc-by-sa-4.0`` for ``CC BY-SA 4.0``; None for a licence that mteb has no code for."""
    from mteb.types import Licenses

    code = re.sub(r"\s+", "-", stated.strip().lower())
    return code if code in get_args(Licenses) else None


def mteb_measure(measure: str, full_depth: int | None) -> str:
    """``ndcg_at_10`` for ``nDCG@10``, ``map_at_1000`` for ``AP``: the name of a measure in mteb's scores.

    Args:
        measure: as ir_measures writes it; ``ndcg_at_10`` stands for one that mteb does not compute.
        full_depth: the depth at which whole pools are ranked; None for mteb's depth.
    """
    name, _, cutoff = measure.partition("@")
    names = {"AP": "map", "nDCG": "ndcg", "R": "recall", "P": "precision", "RR": "mrr"}
    if name not in names or (cutoff and int(cutoff) not in K_VALUES):
        return "ndcg_at_10"
    return f"{names[name]}_at_{cutoff or full_depth or K_VALUES[-1]}"


#: The cut-offs of mteb's measures.
K_VALUES = (1, 3, 5, 10, 20, 100, 1000)
