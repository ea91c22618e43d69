"""The mDPR baseline: encoded with the transformers backend, or searched in Pyserini's prebuilt indexes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hybrid_bench import (
    DEFAULT_MEASURES,
    Encoder,
    Hit,
    HybridBenchError,
    Progress,
    Result,
    Searcher,
    Setting,
    Suite,
    Text,
    evaluate,
    evaluate_runs,
    load_encoder,
    load_suite,
)
from hybrid_bench_pyserini.dense import as_query_encoder, import_pyserini

#: mDPR fine-tuned on MS MARCO; ``-ft-all`` is fine-tuned on Mr. TyDi, too.
MODEL = "castorini/mdpr-tied-pft-msmarco"

#: Card of mDPR, for a local copy without a card. DPR has no prefixes.
CARD: dict[str, Any] = {"pooling": "cls", "similarity": "dot", "max_length": 256}


def load_mdpr(model: str = MODEL, **options: Any) -> Encoder:
    """Load mDPR, or a local model of the same architecture, with the transformers backend.

    Args:
        model: an id on the Hugging Face hub, or a folder.
        options: of :func:`hybrid_bench.load_encoder`.

    Raises:
        HybridBenchError: if the model cannot be loaded.
    """
    stated = Path(model).is_dir() and (Path(model) / "encoder.toml").is_file()
    known = re.fullmatch(r"castorini/mdpr-tied-pft-msmarco(-ft-all)?", model)
    return load_encoder(model, **({} if stated or known else CARD), **options)


def evaluate_mdpr(
    suite: str,
    model: str = MODEL,
    *,
    languages: Sequence[str] | None = None,
    measures: Sequence[str] = DEFAULT_MEASURES,
    dtype: str = "auto",
    device: str = "auto",
    progress: Progress | None = None,
) -> Result:
    """Encode a suite with mDPR on this machine, and score every setting."""
    loaded = load_suite(suite)
    command = ["hybrid-bench", "baseline", "mdpr", "--suite", loaded.asked_as, "--model", model]
    encoder = load_mdpr(model, dtype=dtype, device=device)
    result = evaluate(encoder, loaded, languages=languages, measures=measures, progress=progress)
    command += ["--dtype", encoder.dtype, "--device", encoder.device]
    command += ["--languages", ",".join(languages)] if languages else []
    command += ["--measures", " ".join(measures)] if tuple(measures) != tuple(DEFAULT_MEASURES) else []
    provenance = result.provenance.model_copy(update={"command": shlex.join(command)})
    ranks = result.ranks
    return result.model_copy(update={"provenance": provenance}).with_ranks(ranks)


def evaluate_prebuilt(
    suite: str,
    model: str = MODEL,
    *,
    depth: int = 1000,
    threads: int = 1,
    measures: Sequence[str] = DEFAULT_MEASURES,
    out: Path | None = None,
    dtype: str = "auto",
    device: str = "auto",
    progress: Progress | None = None,
) -> Result:
    """Search Pyserini's prebuilt index of a MIRACL suite with mDPR's query encoder.

    Raises:
        HybridBenchError: if the suite is not part of MIRACL, or the index or the model cannot be downloaded.
    """
    match = re.fullmatch(r"miracl/([a-z]{2})/(dev|train)", suite)
    if match is None:
        raise HybridBenchError(f"Pyserini has no prebuilt index for {suite}", "Use miracl/LANGUAGE/dev, or omit --prebuilt.")
    language = match[1]
    name = f"miracl-v1.0-{language}-{model.rpartition('/')[2]}"
    encoder = load_mdpr(model, dtype=dtype, device=device)
    try:
        searcher = import_pyserini("pyserini.search.faiss").FaissSearcher.from_prebuilt_index(name, as_query_encoder(encoder))
    except HybridBenchError:
        raise
    except Exception as error:  # Pyserini does not wrap exceptions of its network library
        raise HybridBenchError(
            f"cannot download Pyserini's index {name}: {error}",
            "Check the network, or omit --prebuilt to encode on this machine.",
        ) from error
    if searcher is None:
        raise HybridBenchError(f"Pyserini has no prebuilt index {name}", "Omit --prebuilt to encode on this machine.")
    loaded = load_suite(suite)
    return evaluate_runs(
        Searcher(
            card={**encoder.card.model_dump(mode="json", exclude_defaults=True), "index": f"prebuilt {name}"},
            fingerprint=encoder.fingerprint,
            search=_search(searcher, depth, threads),
            ties="by FAISS at the cut-off, then score as float32 descending and document id descending",
        ),
        loaded,
        command=shlex.join(["hybrid-bench", "baseline", "mdpr", "--suite", suite, "--model", model, "--prebuilt"]),
        depth=depth,
        passages=_prebuilt_hash(loaded, name),
        measures=measures,
        out=out,
        progress=progress,
    )


def _search(searcher: Any, depth: int, threads: int) -> Callable[[Setting, Sequence[Text]], dict[str, list[Hit]]]:
    def search(setting: Setting, queries: Sequence[Text]) -> dict[str, list[Hit]]:
        found = searcher.batch_search([query.text for query in queries], [query.id for query in queries], depth, threads)
        return {query_id: [Hit(hit.docid, float(hit.score)) for hit in hits] for query_id, hits in found.items()}

    return search


def _prebuilt_hash(suite: Suite, name: str) -> dict[str, str]:
    """The texts of a prebuilt index are unknown: the name of the index replaces their hash."""
    return dict.fromkeys(suite.passage_languages, f"as indexed in {name}")
