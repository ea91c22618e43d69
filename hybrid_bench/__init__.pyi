from hybrid_bench.datasets.images import Image as Image
from hybrid_bench.datasets.parts import Collection as Collection
from hybrid_bench.datasets.parts import Judgement as Judgement
from hybrid_bench.datasets.parts import QuerySet as QuerySet
from hybrid_bench.datasets.resolvers import load_suite as load_suite
from hybrid_bench.datasets.settings import Setting as Setting
from hybrid_bench.datasets.suite import Suite as Suite
from hybrid_bench.embeddings.given import load_vectors as load_vectors
from hybrid_bench.encoders.card import EncoderCard as EncoderCard
from hybrid_bench.encoders.live import as_encoder as as_encoder
from hybrid_bench.encoders.load import load_encoder as load_encoder
from hybrid_bench.encoders.protocol import Encoder as Encoder
from hybrid_bench.errors import HybridBenchError as HybridBenchError
from hybrid_bench.evaluation.compare import compare as compare
from hybrid_bench.evaluation.evaluate import evaluate as evaluate
from hybrid_bench.evaluation.options import EvaluationOptions as EvaluationOptions
from hybrid_bench.evaluation.trainer_evaluator import HybridBenchEvaluator as HybridBenchEvaluator
from hybrid_bench.installation.register import register as register
from hybrid_bench.reports.report import report as report
from hybrid_bench.results.record import Result as Result

__all__: list[str]
__version__: str
