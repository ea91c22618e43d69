"""An evaluator of sentence-transformers: the settings and the language bias during a training."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_bench.datasets.resolvers import load_suite
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.encoders.live import as_encoder
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.evaluate import evaluate
from hybrid_bench.evaluation.options import EvaluationOptions
from hybrid_bench.support.optional import need

need("transformers", "HybridBenchEvaluator", "sentence_transformers")
from sentence_transformers.base.evaluation import BaseEvaluator  # noqa: E402  # only after the check for the package

if TYPE_CHECKING:
    from sentence_transformers.base.model import BaseModel


#: Measures of bias, which are computed besides those that are asked for; smaller is better.
_BIAS = ("RankDistance", "RankDistance(median)", "SameLanguage@20")


class HybridBenchEvaluator(BaseEvaluator):
    """Scores a model on a suite whenever a ``SentenceTransformerTrainer(evaluator=...)`` evaluates.

    The metrics are ``<name>_<setting>_<measure>``, means over the settings of a kind, e.g. ``mini_multilingual_AP`` and
    ``mini_multilingual_RankDistance``. Nothing is stored: every call encodes all texts.

    Args:
        suite: a suite or the name of one.
        languages: of the suite; all by default.
        measures: of ir_measures; those of :func:`hybrid_bench.evaluate` by default.
        primary: the metric by which checkpoints are chosen, e.g. ``multilingual AP``; by default the suite's primary measure in
            its last setting, which is the multilingual one where there is one.
        name: begins the metrics; by default that of the suite.
        write_csv: write the metrics of each call to a line of ``hybrid_bench_<name>.csv`` in the trainer's output folder.

    Raises:
        HybridBenchError: if the suite, a language or a measure is unknown.
    """

    def __init__(
        self,
        suite: Suite | str = "mini",
        *,
        languages: tuple[str, ...] | None = None,
        measures: tuple[str, ...] | None = None,
        primary: str = "",
        name: str = "",
        write_csv: bool = True,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._options = EvaluationOptions(languages=languages, measures=measures)
        self._suite = load_suite(suite) if isinstance(suite, str) else suite
        asked = self._options.restricted(self._suite)
        self.name = name or asked.name
        computed = self._options.measures_on(asked)
        measure = asked.primary if asked.primary in computed else computed[0]
        default = f"{asked.settings[-1].kind} {measure}"
        chosen = primary or default
        kind, _, wanted = chosen.partition(" ")
        if kind not in {setting.kind for setting in asked.settings} or wanted not in (*computed, *_BIAS, "PEER"):
            raise HybridBenchError(f"{asked.name} has no score {chosen!r}", f"Name a setting and a measure, e.g. '{default}'.")
        self.greater_is_better = wanted not in _BIAS
        self.primary_metric = self._metric(chosen)
        self._write_csv = write_csv

    def _metric(self, score: str) -> str:
        return f"{self.name}_{score.replace(' ', '_')}"

    def __call__(self, model: BaseModel, output_path: str | None = None, epoch: float = -1, steps: int = -1) -> dict[str, float]:
        """The metrics of a model at a step of its training; the model is left in the mode (training or not) that it was in."""
        import dataclasses

        was_training = model.training
        try:
            with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as store:
                encoder = as_encoder(model, fingerprint=f"epoch {epoch}, step {steps}")
                options = dataclasses.replace(self._options, store=Path(store))
                result = evaluate(encoder, self._suite, options=options)
        finally:
            model.train(was_training)
        values: dict[str, list[float]] = {}
        for row in result.rows:
            values.setdefault(self._metric(f"{row.setting} {row.measure}"), []).append(row.value)
        metrics = {metric: sum(of) / len(of) for metric, of in values.items()}
        if output_path is not None and self._write_csv:
            self._add_line(Path(output_path), {"epoch": epoch, "steps": steps, **metrics})
        self.store_metrics_in_model_card_data(model, metrics, epoch, steps)  # type: ignore[arg-type]  # the trainer's epochs are floats
        return metrics

    def _add_line(self, folder: Path, fields: dict[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"hybrid_bench_{self.name.replace('/', '__')}.csv"
        is_new = not path.exists()
        with path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fields)
            if is_new:
                writer.writeheader()
            writer.writerow(fields)

    def get_config_dict(self) -> dict[str, Any]:
        """What sentence-transformers writes into the model card."""
        return {"suite": self._suite.name}
