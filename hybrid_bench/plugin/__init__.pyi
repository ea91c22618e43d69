# What plugins implement.
# Commands.
from hybrid_bench.cli import console as console
from hybrid_bench.cli import options as options

# Suites.
from hybrid_bench.datasets.captioned import captions_of as captions_of
from hybrid_bench.datasets.hashes import items_hash as items_hash
from hybrid_bench.datasets.hashes import suite_hash as suite_hash
from hybrid_bench.datasets.image_files import find_images as find_images
from hybrid_bench.datasets.image_files import image_folders as image_folders
from hybrid_bench.datasets.images import Input as Input
from hybrid_bench.datasets.images import Modality as Modality
from hybrid_bench.datasets.images import modality_of as modality_of
from hybrid_bench.datasets.judged import judged_queries as judged_queries
from hybrid_bench.datasets.judged import qrels as qrels
from hybrid_bench.datasets.parts import ImagePassage as ImagePassage
from hybrid_bench.datasets.parts import ImageQuery as ImageQuery
from hybrid_bench.datasets.parts import Item as Item
from hybrid_bench.datasets.parts import PassageText as PassageText
from hybrid_bench.datasets.resolvers import SUITES as SUITES
from hybrid_bench.datasets.resolvers import SuiteResolver as SuiteResolver
from hybrid_bench.datasets.settings import ALL as ALL
from hybrid_bench.datasets.settings import domain_settings as domain_settings
from hybrid_bench.datasets.settings import image_settings as image_settings
from hybrid_bench.datasets.settings import language_settings as language_settings
from hybrid_bench.datasets.settings import parse_settings as parse_settings

# Encoders and vectors.
from hybrid_bench.embeddings.store import EmbeddingStore as EmbeddingStore
from hybrid_bench.encoders.cached_folder import encoder_folder as encoder_folder
from hybrid_bench.encoders.checked import encode_checked as encode_checked
from hybrid_bench.encoders.decoding import rgb_batches as rgb_batches
from hybrid_bench.encoders.protocol import Encoder as Encoder
from hybrid_bench.encoders.protocol import Role as Role
from hybrid_bench.encoders.resolvers import EncoderResolver as EncoderResolver
from hybrid_bench.errors import UnknownNameError as UnknownNameError

# Searchers and results.
from hybrid_bench.evaluation.assemble import SearcherIdentity as SearcherIdentity
from hybrid_bench.evaluation.provenance import command_line as command_line
from hybrid_bench.evaluation.runs import RunOptions as RunOptions
from hybrid_bench.evaluation.runs import Searcher as Searcher
from hybrid_bench.evaluation.runs import evaluate_runs as evaluate_runs
from hybrid_bench.execution.protocol import Executor as Executor
from hybrid_bench.installation.doctor import Finding as Finding
from hybrid_bench.installation.register import register_datasets as register_datasets
from hybrid_bench.installation.register import register_measures as register_measures
from hybrid_bench.measures.scores import DEFAULT_MEASURES as DEFAULT_MEASURES
from hybrid_bench.results import tables as tables
from hybrid_bench.results.runs import Hit as Hit
from hybrid_bench.results.runs import Run as Run
from hybrid_bench.support import cache as cache
from hybrid_bench.support import toml as toml
from hybrid_bench.support.hashing import texts_hash as texts_hash
from hybrid_bench.support.progress import Progress as Progress
from hybrid_bench.support.progress import SilentProgress as SilentProgress

# Training.
from hybrid_bench.training.batches.batches import Batches as Batches
from hybrid_bench.training.batches.strategies import Strategy as Strategy
from hybrid_bench.training.data.table import ParallelRow as ParallelRow
from hybrid_bench.training.data.table import ParallelTable as ParallelTable
from hybrid_bench.training.data.translation.protocol import Translator as Translator
from hybrid_bench.training.encoder.published import load_published as load_published

__all__: list[str]
