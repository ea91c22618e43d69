"""Hybrid Bench and mteb: suites as mteb tasks, encoders as mteb models, and mteb's retrieval tasks as suites.

mteb is imported when :func:`tasks` or :func:`as_mteb_model` is called, or a suite ``mteb:NAME`` is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybrid_bench import Suite
    from hybrid_bench.plugin import Encoder, PassageText
    from hybrid_bench_mteb.models import EncoderModel
    from hybrid_bench_mteb.tasks import SuiteTask

__all__ = ["as_mteb_model", "tasks"]


def tasks(
    suite: Suite | str,
    *,
    languages: Sequence[str] | None = None,
    passage_text: PassageText = "sentence",
    full_depth: bool = False,
) -> list[SuiteTask]:
    """The settings of a suite as mteb tasks: one task a kind of settings, one subset a setting.

    A task's score is the mean over its subsets, as Hybrid Bench's mean over the settings of a kind is. Subsets are named as
    settings are: ``de:en``, ``de:all``. They have the split ``test``.

    Args:
        suite: a suite or the name of one.
        languages: only these languages of the suite, as ``--languages`` of ``hybrid-bench evaluate``.
        passage_text: what models read of a passage: ``sentence`` or ``sentence+context``.
        full_depth: rank whole pools, so that ``map_at_<passages of the largest pool>`` is AP; by default mteb's depth of 1000.

    Returns:
        Tasks for ``mteb.evaluate(model, tasks)``, in the order of the suite's settings.

    Raises:
        HybridBenchError: if the suite is unknown or faulty, or mteb has no task of its kind.
    """
    from hybrid_bench_mteb.tasks import suite_tasks

    return suite_tasks(suite, languages, passage_text, full_depth=full_depth)


def as_mteb_model(encoder: Encoder | str, *, store: Path | None = None, **options: Any) -> EncoderModel:
    """An encoder as a model for ``mteb.evaluate(model, tasks)``.

    Vectors are kept in the store of Hybrid Bench: a text that several subsets have is encoded once, and never again in a later
    evaluation.

    Args:
        encoder: an encoder or the name of one, see :func:`hybrid_bench.load_encoder`.
        store: folder of the vectors; by default that of ``hybrid-bench evaluate``.
        options: options of :func:`hybrid_bench.load_encoder`, for an encoder that is given by name.

    Raises:
        HybridBenchError: if the encoder cannot be loaded, or options are given for one that is loaded.
    """
    from hybrid_bench_mteb.models import model_of

    return model_of(encoder, store, options)
