"""The public sets of BEIR, their published BM25, and whether an encoder was trained on one."""

from __future__ import annotations

import csv
import functools
from collections.abc import Collection, Mapping
from importlib import resources
from typing import Any

from hybrid_bench import EncoderCard
from hybrid_bench.plugin import UnknownNameError, toml

_FORUMS = (
    "android", "english", "gaming", "gis", "mathematica", "physics", "programmers", "stats", "tex", "unix", "webmasters",
    "wordpress",
)  # fmt: skip
#: Name to its ir_datasets ids. CQADupStack is the mean of its forums. BioASQ, Signal-1M, TREC-NEWS and Robust04 need agreements.
SETS: Mapping[str, tuple[str, ...]] = {
    "msmarco": ("beir/msmarco/dev",),
    "trec-covid": ("beir/trec-covid",),
    "nfcorpus": ("beir/nfcorpus/test",),
    "nq": ("beir/nq",),
    "hotpotqa": ("beir/hotpotqa/test",),
    "fiqa": ("beir/fiqa/test",),
    "arguana": ("beir/arguana",),
    "webis-touche2020": ("beir/webis-touche2020/v2",),
    "cqadupstack": tuple(f"beir/cqadupstack/{forum}" for forum in _FORUMS),
    "quora": ("beir/quora/test",),
    "dbpedia-entity": ("beir/dbpedia-entity/test",),
    "scidocs": ("beir/scidocs",),
    "fever": ("beir/fever/test",),
    "climate-fever": ("beir/climate-fever",),
    "scifact": ("beir/scifact/test",),
}
#: In the domain of most encoders: the paper leaves it out of its averages.
NOT_AVERAGED = frozenset({"msmarco"})
#: Part of the name of a base model to the sets that it was trained on (arXiv 2402.05672, table 2).
_TRAINED_ON = {"multilingual-e5": frozenset({"msmarco", "nq", "hotpotqa", "fever", "quora"})}
_SOURCE = "pyserini-beir-2cr"


def chosen(names: Collection[str]) -> list[str]:
    """The sets of these names, in the order of the paper; all if there are none.

    Raises:
        UnknownNameError: if one is not a set.
    """
    for name in names:
        if name not in SETS:
            raise UnknownNameError("set of BEIR", name, SETS)
    return [name for name in SETS if not names or name in names]


def zero_shot(card: EncoderCard | Mapping[str, Any], name: str) -> str:
    """``yes``, ``no`` or ``not stated``: whether an encoder was trained on a set, as far as its card tells.

    ``no`` where the card lists the set among the suites that the encoder was trained on, or names a base model that is known to
    have been; ``yes`` where it lists other suites or none; ``not stated`` where it lists nothing.

    Args:
        card: of an encoder, or its fields as results have them.
        name: of the set.
    """
    fields = card.model_dump() if isinstance(card, EncoderCard) else card
    origin = " ".join(str(fields.get(field) or "") for field in ("name", "base", "model", "training_data"))
    if any(base in origin and name in of_base for base, of_base in _TRAINED_ON.items()):
        return "no"
    suites = fields.get("trained_on_suites")
    if suites is None:
        return "not stated"
    return "no" if {name, f"beir/{name}", *SETS[name]} & set(suites) else "yes"


@functools.cache
def bm25() -> Mapping[str, Mapping[str, float]]:
    """ir_datasets id to measure to the published figure of BM25."""
    text = resources.files(f"{__package__}.published").joinpath(f"{_SOURCE}.tsv").read_text(encoding="utf-8")
    found: dict[str, dict[str, float]] = {}
    for row in csv.DictReader(text.splitlines(), delimiter="\t"):
        found.setdefault(row["suite"], {})[row["measure"]] = float(row["value"])
    return found


def source() -> dict[str, Any]:
    """Source of the figures: title, url, licence, citation."""
    name = f"{_SOURCE}.toml"
    return toml.loads(resources.files(f"{__package__}.published").joinpath(name).read_text(encoding="utf-8"), name)
