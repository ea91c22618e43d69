"""The mDPR baseline: encoded with the transformers backend, or searched in Pyserini's prebuilt indexes."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hybrid_bench import Encoder, EvaluationOptions, HybridBenchError, Result, Setting, Suite, evaluate, load_encoder, load_suite
from hybrid_bench.plugin import Hit, Item, Progress, RunOptions, SearcherIdentity, command_line, evaluate_runs
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
    suite: str, model: str = MODEL, *, options: EvaluationOptions | None = None, progress: Progress | None = None
) -> Result:
    """Encode a suite with mDPR on this machine, and score every setting.

    Args:
        suite: the name of a suite.
        model: see :func:`load_mdpr`.
        options: as for :func:`hybrid_bench.evaluate`; those of the encoder are dtype and device.
        progress: progress reporting.
    """
    options = options or EvaluationOptions()
    loaded = load_suite(suite)
    encoder = load_mdpr(model, **options.encoder)
    options = dataclasses.replace(options, encoder={})  # the encoder is loaded with them
    result = evaluate(encoder, loaded, options=options, progress=progress)
    if result.path:
        return result  # as it was computed before
    stated = {"suite": loaded.asked_as, "model": model, "dtype": encoder.dtype, "device": encoder.device}
    command = command_line(["baseline", "mdpr"], stated | options.words(options.restricted(loaded)))
    changed = result.model_copy(update={"provenance": result.provenance.model_copy(update={"command": command})})
    return changed.with_ranks(result.ranks) if result.has_ranks else changed


def evaluate_prebuilt(
    suite: str,
    model: str = MODEL,
    *,
    options: EvaluationOptions | None = None,
    threads: int = 1,
    progress: Progress | None = None,
) -> Result:
    """Search Pyserini's prebuilt index of a MIRACL suite with mDPR's query encoder.

    Args:
        suite: ``miracl/LANGUAGE/dev`` or ``miracl/LANGUAGE/train``.
        model: an id on the Hugging Face hub.
        options: dtype and device of the encoder, depth, measures, and the folder of results for the runs.
        threads: number of threads for searching.
        progress: progress reporting.

    Raises:
        HybridBenchError: if the suite is not part of MIRACL, another option is given, or the index or the model cannot be
            downloaded.
    """
    options = options or EvaluationOptions()
    match = re.fullmatch(r"miracl/([a-z]{2})/(dev|train)", suite)
    if match is None:
        raise HybridBenchError(f"Pyserini has no prebuilt index for {suite}", "Use miracl/LANGUAGE/dev, or omit --prebuilt.")
    _check_effect(options)
    loaded = load_suite(suite)
    encoder = load_mdpr(model, **options.encoder)
    measures = options.measures_on(loaded)
    stated = {"suite": suite, "model": model, "prebuilt": True, "dtype": encoder.dtype, "device": encoder.device}
    return evaluate_runs(
        PrebuiltIndex(loaded, encoder, f"miracl-v1.0-{match[1]}-{model.rpartition('/')[2]}", threads),
        loaded,
        command=command_line(["baseline", "mdpr"], stated | options.words(loaded)),
        options=RunOptions(measures, options.depth or RunOptions().depth, results=options.results, overwrite=options.overwrite),
        progress=progress,
    )


def _check_effect(options: EvaluationOptions) -> None:
    """Raise HybridBenchError if an option has no effect on the search of a prebuilt index."""
    effective = EvaluationOptions(
        encoder=options.encoder,
        measures=options.measures,
        depth=options.depth,
        results=options.results,
        overwrite=options.overwrite,
    )
    for field in dataclasses.fields(options):
        if getattr(options, field.name) != getattr(effective, field.name):
            raise HybridBenchError(
                f"the option {field.name} has no effect on a prebuilt index, which holds the vectors of one language",
                "Omit it, or omit --prebuilt to encode on this machine.",
            )


class PrebuiltIndex:
    """A searcher of one of Pyserini's prebuilt indexes.

    Args:
        suite: what the index is of.
        encoder: of the queries.
        name: of the index.
        threads: number of threads for searching.

    Raises:
        HybridBenchError: if the index cannot be downloaded, or there is none of this name.
    """

    exhaustive = False

    def __init__(self, suite: Suite, encoder: Encoder, name: str, threads: int) -> None:
        self._suite = suite
        self._name = name
        self._threads = threads
        self._searcher = _prebuilt(name, encoder)
        self.identity = SearcherIdentity(
            card={**encoder.card.model_dump(mode="json", exclude_defaults=True), "index": f"prebuilt {name}"},
            fingerprint=encoder.fingerprint,
            dtype=encoder.dtype,
            device=encoder.device,
            ties="by FAISS at the cut-off, then score as float32 descending and document id descending",
        )

    def search(self, setting: Setting, queries: Sequence[Item], depth: int | None) -> dict[str, list[Hit]]:
        """The best passages for each query."""
        texts, ids = [str(query.content) for query in queries], [query.id for query in queries]
        found = self._searcher.batch_search(texts, ids, depth or RunOptions().depth, self._threads)
        return {query_id: [Hit(hit.docid, float(hit.score)) for hit in hits] for query_id, hits in found.items()}

    def passages(self) -> dict[str, str]:
        """The texts of a prebuilt index are unknown: the name of the index replaces their hash."""
        return {collection.name: f"as indexed in {self._name}" for collection in self._suite.collections}

    def notes(self) -> Sequence[str]:
        """None."""
        return ()


def _prebuilt(name: str, encoder: Encoder) -> Any:
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
    return searcher
