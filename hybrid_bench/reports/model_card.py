"""The card of an encoder in Hugging Face's format: YAML metadata with results, and a README.

Source of the format: https://huggingface.co/docs/hub/model-cards, and the model-index of Papers with Code in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.reports.citations import of_results
from hybrid_bench.results.record import Result
from hybrid_bench.results.stated_languages import left_out
from hybrid_bench.support import escaping
from hybrid_bench.support.optional import need

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

#: Licences that Hugging Face knows by these names; any other is ``other``, with its text.
_LICENCES = {
    "apache-2.0", "mit", "bsd-3-clause", "gpl-3.0", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0",
    "cc-by-nc-nd-4.0", "cc-by-sa-3.0", "openrail", "gemma",
}  # fmt: skip
#: Measure of ir_measures to Hugging Face's name of the metric; a cut-off follows as ``_at_10``.
_METRICS = {"AP": "map", "RR": "mrr", "nDCG": "ndcg", "R": "recall", "P": "precision"}
_TAGS = ["sentence-similarity", "multilingual-retrieval", "hybrid-bench"]


def model_card(encoder: Encoder, results: Sequence[Result] = ()) -> str:
    """Write the card of an encoder, with its results as metadata and as a table.

    Args:
        encoder: states what it is; its vectors are not computed.
        results: of this encoder, on any suites. Means are over the settings of a kind.

    Returns:
        The content of a README.md for its repository.

    Raises:
        HybridBenchError: if a result is of another encoder or of other weights, or huggingface_hub is not installed.
    """
    need("transformers", "a model card", "huggingface_hub")
    from huggingface_hub import ModelCardData

    card = encoder.card
    for result in results:
        _check(encoder, result)
    data = ModelCardData(
        model_name=card.name,
        language=_languages(card.languages) or None,
        base_model=card.base if re.fullmatch(r"[\w.-]+/[\w.-]+", card.base) else None,
        library_name=card.backend if card.backend in ("transformers", "sentence-transformers") else None,
        pipeline_tag="feature-extraction",
        tags=_TAGS,
        eval_results=[found for result in results for found in _eval_results(result)] or None,
        **_licence(card.licence),
    )
    return f"---\n{data.to_yaml()}\n---\n\n{_text(card, results)}"


def _check(encoder: Encoder, result: Result) -> None:
    name = encoder.card.name
    if result.name != name:
        raise HybridBenchError(
            f"{result.path or 'a result'} is of {result.name}, not of {name}", "Give the results of the encoder."
        )
    if result.provenance.fingerprint != encoder.fingerprint:
        raise HybridBenchError(
            f"{result.path or 'a result'} is of other weights or options of {name}", "Evaluate it again, with --overwrite."
        )


def _licence(text: str) -> dict[str, Any]:
    name = re.sub(r"\s+", "-", text.strip().lower())
    if not text or name in _LICENCES:
        return {"license": name or None}
    return {"license": "other", "license_name": text}


def _languages(tags: Sequence[str]) -> list[str]:
    """The languages of BCP-47 tags, as Hugging Face lists them: without script and region."""
    return list(dict.fromkeys(found[0].lower() for tag in tags if (found := re.match("[A-Za-z]+", tag))))


def _eval_results(result: Result) -> list[EvalResult]:
    from huggingface_hub import EvalResult

    digest = result.provenance.identity[:12]
    return [
        EvalResult(
            task_type="retrieval",
            task_name=f"{kind} retrieval",
            dataset_type=result.suite,
            dataset_name=result.suite,
            dataset_config=kind,
            dataset_split="test",
            dataset_args={"passage_text": result.provenance.passage_text, "identity": digest},
            metric_type=_metric(measure),
            metric_name=measure,
            metric_value=round(value, 6),
        )
        for (kind, measure), value in _means(result).items()
    ]


def _metric(measure: str) -> str:
    name, _, cut = measure.partition("@")
    base = _METRICS.get(name) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return f"{base}_at_{cut}" if cut else base


def _means(result: Result) -> dict[tuple[str, str], float]:
    """(kind of settings, measure) to the mean over the settings, in the order of the result."""
    values: dict[tuple[str, str], list[float]] = {}
    for row in result.rows:
        values.setdefault((row.setting, row.measure), []).append(row.value)
    return {key: fmean(of) for key, of in values.items()}


def _text(card: EncoderCard, results: Sequence[Result]) -> str:
    facts = {
        "base": card.base,
        "parameters": f"{card.parameters:,}" if card.parameters else "",
        "dimension": card.dimension,
        "pooling": card.pooling,
        "similarity": card.similarity,
        "maximum length": f"{card.max_length} tokens" if card.max_length else "",
        "query prefix": json.dumps(card.query_prefix, ensure_ascii=False) if card.query_prefix else "",
        "passage prefix": json.dumps(card.passage_prefix, ensure_ascii=False) if card.passage_prefix else "",
        "licence": card.licence,
        "address": card.url,
    }
    parts = [f"# {escaping.markdown(card.name)}", escaping.markdown(card.description)]
    parts.append("\n".join(f"- {label}: {escaping.markdown(str(value))}" for label, value in facts.items() if value))
    parts.append(
        "## Use\n\n```python\nimport hybrid_bench\n\n"
        f"encoder = hybrid_bench.load_encoder({card.name!r})\n"
        'queries = encoder.encode(["How old is the Nile?"], "query")  # one row a text; prefixes are added\n```'
    )
    if card.training_data:
        parts.append(f"## Training data\n\n{escaping.markdown(card.training_data)}")
    if results:
        parts.append(_results(results))
    if card.citation:
        bibtex = card.citation.lstrip().startswith("@")
        parts.append(
            f"## Citation\n\n```bibtex\n{card.citation.strip()}\n```"
            if bibtex
            else f"## Citation\n\n{escaping.markdown(card.citation)}"
        )
    return "\n\n".join(part for part in parts if part) + "\n"


def _results(results: Sequence[Result]) -> str:
    means = [_means(result) for result in results]
    measures = list(dict.fromkeys(measure for of in means for _, measure in of))
    lines = [["suite", "setting", *measures], ["---", "---", *["---:"] * len(measures)]]
    notes = []
    for result, of in zip(results, means, strict=True):
        for kind in dict.fromkeys(kind for kind, _ in of):
            values = [of.get((kind, measure)) for measure in measures]
            lines.append([escaping.markdown(result.suite), kind, *("" if value is None else f"{value:.4f}" for value in values)])
        if missing := left_out(result):
            notes.append(f"The means on {result.suite} are also over {', '.join(missing)}, which the card does not list.")
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    commands = "\n".join(dict.fromkeys(result.provenance.command for result in results))
    about = "Means over the settings of each kind, from exact ranks of the whole pools unless a depth is stated; made by:"
    return "\n\n".join(
        [
            "## Results",
            table,
            *notes,
            about,
            f"```sh\n{commands}\n```",
            f"What to cite for these data:\n\n```bibtex\n{of_results(results)}```",
        ]
    )
