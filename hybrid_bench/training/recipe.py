"""Recipes: the TOML that states every choice of a training."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hybrid_bench.encoders.card import Pooling
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support import toml
from hybrid_bench.training.batches.batches import Mode
from hybrid_bench.training.batches.strategies import Strategy

#: The key by which a recipe names the recipe that it changes.
_EXTENDS = "extends"
#: Recipes that may stand behind one another before they are taken for a circle.
_DEPTH = 8

#: Trainings that one encoder can be the mean of.
MOST_TRAININGS = 64

_Share = Annotated[float, Field(ge=0, lt=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=True)


class Data(_Part):
    """What is trained on."""

    #: Source (a name, or a path of one's own data, see :mod:`.sources`) to its share of the batches.
    sources: dict[str, Annotated[float, Field(gt=0)]] = Field(min_length=1)
    #: These languages alone; empty: all that the sources have.
    languages: tuple[str, ...] = ()
    #: Suites whose questions, passages and paragraphs must not be trained on.
    clean_of: tuple[str, ...] = ("xquad-r", "mlqa-r")

    @property
    def shares(self) -> dict[str, float]:
        """Source, as the rows of a table call it, to its share."""
        from hybrid_bench.training.data.sources import called

        return {called(name): share for name, share in self.sources.items()}

    @model_validator(mode="after")
    def _told_apart(self) -> Data:
        if len(self.shares) < len(self.sources):
            raise ValueError("two of the sources have one name: rename a file or folder")
        return self


class BatchChoices(_Part):
    """How batches are drawn."""

    strategy: Literal["mono", "cross", "hybrid", "english", "code-switched"] = "hybrid"
    #: The share of monolingual batches under ``hybrid``.
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.5
    size: Annotated[int, Field(ge=2)] = 100
    mode: Mode = "batch"
    #: The share of examples that are drawn together with others of their article, as harder negatives; 0 in the paper.
    topical: Annotated[float, Field(ge=0, le=1)] = 0.0
    #: Languages are drawn in proportion to (number of rows) ** (1 / temperature): inf, the paper's choice, is uniform.
    language_temperature: Annotated[float, Field(gt=0)] = float("inf")
    #: Of each word that has a translation, under ``code-switched`` (arXiv 2305.05295).
    switch_probability: Annotated[float, Field(ge=0, le=1)] = 0.5


#: See :attr:`Loss.negatives`.
Negatives = Literal["passages", "symmetric", "all"]


class Loss(_Part):
    """InfoNCE over the passages of the batch."""

    #: The paper does not state it.
    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.02
    #: What a pair is told from: the other ``passages``, as in the paper; ``symmetric``: each passage from the other questions
    #: too, the two losses averaged; ``all``: one softmax over these and over question-question and passage-passage pairs, which
    #: are in one language where the pair is in two (arXiv 2308.03281).
    negatives: Negatives = "passages"
    #: So many times its cosine is added to the logit of a negative passage: hard ones count more (arXiv 2503.04812).
    hardness: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


class Optimiser(_Part):
    """AdamW with a warm-up."""

    steps: Annotated[int, Field(ge=1)]
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 3e-5
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1e-2
    warmup: _Share = 0.1
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    #: Gradients longer than this are cut; 0: none is.
    max_gradient: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0


class Weights(_Part):
    """What is trained of the base."""

    #: ``full``: all its weights; ``lora``: low-rank differences of its linear layers.
    method: Literal["full", "lora"] = "full"
    rank: Annotated[int, Field(ge=1)] = 32
    #: A LoRA difference is scaled by ``scale / rank``.
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 32
    lora_dropout: _Share = 0.0
    #: Names, or ends of names, of the linear layers that get a difference; ``all-linear``: every one.
    targets: tuple[str, ...] = ("all-linear",)
    #: ``lora``: train the biases too, those of normalisations among them (BitFit, arXiv 2106.10199).
    biases: bool = False
    #: Train so many of the uppermost layers alone; None: every layer.
    layers: Annotated[int, Field(ge=1)] | None = None
    #: Word, position and type embeddings stay as they are; with ``lora`` they always do.
    freeze_embeddings: bool = False
    #: Of hidden states and attention; None: as the base states it.
    dropout: _Share | None = None


class Texts(_Part):
    """How texts are read; what is left out is as on the card of the base."""

    query_prefix: str | None = None
    passage_prefix: str | None = None
    pooling: Pooling | None = None
    #: In tokens; longer texts are cut.
    max_query_length: Annotated[int, Field(ge=8)] = 64
    max_passage_length: Annotated[int, Field(ge=8)] = 256


class Dev(_Part):
    """Held-out questions, and when to stop."""

    #: Questions, with their whole articles; 0: none, and the last weights are kept.
    questions: Annotated[int, Field(ge=0)] = 200
    #: Steps between two looks.
    every: Annotated[int, Field(ge=1)] = 50
    #: Looks without a better one after which the training stops; 0: never.
    patience: Annotated[int, Field(ge=0)] = 0
    #: What is looked at: the loss as in the paper, or the mean over the three settings of the dev set's mean AP.
    metric: Literal["loss", "AP"] = "AP"

    @model_validator(mode="after")
    def _something_to_wait_for(self) -> Dev:
        if self.patience and not self.questions:
            raise ValueError("patience needs a dev set: give dev.questions too")
        return self


class Compute(_Part):
    """How it is computed; with ``precision`` as it is, these change speed and memory and the result by rounding alone."""

    precision: Literal["fp32", "bf16"] = "fp32"
    #: Tokens, padding counted, that go through the model at once.
    micro_batch_tokens: Annotated[int, Field(ge=64)] = 1024
    #: Gradient caching: compute the vectors twice, and hold one micro-batch's activations alone.
    cache_gradients: bool = False
    checkpoint_every: Annotated[int, Field(ge=1)] = 50


class Averaging(_Part):
    """Trainings with different seeds, of which one encoder is made (a model soup, arXiv 2203.05482)."""

    #: So many, with seeds from ``seed`` on; their differences to the base are averaged.
    trainings: Annotated[int, Field(ge=1, le=MOST_TRAININGS)] = 1
    #: LoRA: the mean is cut to this rank, by singular values; None: the ranks of all trainings stand side by side.
    rank: Annotated[int, Field(ge=1)] | None = None


class Recipe(_Part):
    """Everything that decides a training. Unknown keys are refused."""

    name: Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")]
    base: Annotated[str, Field(min_length=1)]
    #: What the card says beside the base and the strategy.
    description: Annotated[str, Field(max_length=500)] = ""
    #: Below what PyTorch takes, with room for those that :class:`Averaging` counts up to.
    seed: Annotated[int, Field(ge=0, lt=2**32 - MOST_TRAININGS)] = 1
    data: Data
    batches: BatchChoices = BatchChoices()
    loss: Loss = Loss()
    optimiser: Optimiser
    weights: Weights = Weights()
    texts: Texts = Texts()
    dev: Dev = Dev()
    compute: Compute = Compute()
    averaging: Averaging = Averaging()

    @property
    def strategy(self) -> Strategy:
        """The strategy of the batches."""
        chosen = self.batches
        return Strategy.named(chosen.strategy, chosen.alpha if chosen.strategy == "hybrid" else None)

    @property
    def hash(self) -> str:
        """SHA-256 of all that decides a training: what the encoder is called, and what it is averaged with, does not."""
        left_out: dict[str, Any] = {"name": True, "description": True, "averaging": True, "compute": {"checkpoint_every"}}
        return hashlib.sha256(self.model_dump_json(exclude=left_out).encode()).hexdigest()

    def single(self) -> list[Recipe]:
        """The recipes of the single trainings that are averaged."""
        return [
            self.model_copy(update={"name": f"{self.name}-seed{seed}", "seed": seed, "averaging": Averaging()})
            for seed in range(self.seed, self.seed + self.averaging.trainings)
        ]

    @classmethod
    def read(cls, path: Path, changes: Mapping[str, Any] | None = None) -> Recipe:
        """Read a recipe, and those that it extends but for their names and descriptions.

        Its name is the file's unless it states one.

        Args:
            path: of a TOML file.
            changes: dotted keys to values that win over the file's, e.g. ``{"optimiser.steps": 20}``.

        Raises:
            HybridBenchError: that names every bad key.
        """
        fields = {"name": path.name.removesuffix(".toml")} | _stated(path)
        for key, value in (changes or {}).items():
            _set(fields, key, value)
        return cls.parse(fields, f"{path} with {', '.join(changes)} set" if changes else str(path))

    @classmethod
    def parse(cls, fields: dict[str, Any], source: str) -> Recipe:
        """Check the keys of a recipe; ``source`` is what the error calls it."""
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            found = {".".join(map(str, one["loc"])): _SAID.get(one["type"], one["msg"]) for one in error.errors()}
            listed = "; ".join(f"{key}: {message}" if key else message for key, message in found.items())
            unknown = [key for key, message in found.items() if message == _SAID["extra_forbidden"]]
            near = [match for key in unknown for match in _near(key)]
            meant = f"Did you mean {' and '.join(near)}? " if near else ""
            raise HybridBenchError(
                f"{source} is not a recipe: {listed}",
                f"{meant}Known keys: {', '.join(known_keys())}." if unknown else "docs/training.md says what each key takes.",
            ) from error

    def to_toml(self) -> str:
        """The whole recipe, every choice written out; keys without a value are named at the end."""
        stated = self.model_dump(exclude_none=True)
        parts = {key: value.keys() for key, value in stated.items() if isinstance(value, dict)}
        unset = [key for key in known_keys()[1:] if "." in key and key.partition(".")[2] not in parts[key.partition(".")[0]]]
        return toml.dumps(stated) + (f"\n# Not set: {', '.join(unset)}.\n" if unset else "")


def parse_changes(changes: Sequence[str]) -> dict[str, Any]:
    """``optimiser.steps=100`` as a key and a value; a value is TOML, or else text."""
    found = {}
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise HybridBenchError(f"{change!r} sets nothing", "Write key=value, e.g. optimiser.steps=100.")
        try:
            found[key.strip()] = toml.loads(f"value = {text}", change)["value"]
        except HybridBenchError:
            found[key.strip()] = text
    return found


#: What pydantic says in words of its own.
_SAID = {"extra_forbidden": "unknown key", "tuple_type": 'takes a list, e.g. ["en", "de"]'}


def _near(key: str) -> list[str]:
    """The known key, or table, that was meant by an unknown one: alike, or alike in its last part."""
    known = {name: name for name in known_keys()}
    last = {name.rpartition(".")[2]: name for name in reversed(known)}
    for asked, names in ((key, known), (key.rpartition(".")[2], last), (key, {name: name for name in Recipe.model_fields})):
        if near := difflib.get_close_matches(asked, names, n=1):
            return [names[near[0]]]
    return []


def known_keys() -> list[str]:
    """The dotted name of every key that a recipe may have."""
    keys = []
    for name, field in Recipe.model_fields.items():
        part = field.annotation
        inner = part.model_fields if isinstance(part, type) and issubclass(part, _Part) else None
        keys += [f"{name}.{key}" for key in inner] if inner else [name]
    return [_EXTENDS, *keys]


def _stated(path: Path, depth: int = 0) -> dict[str, Any]:
    if not path.is_file():
        raise HybridBenchError(f"there is no recipe {path}", "Give the path of a TOML file, e.g. recipes/hybrid-me5-small.toml.")
    fields = toml.load(path)
    parent = fields.pop(_EXTENDS, None)
    if parent is None:
        return fields
    if depth == _DEPTH or not isinstance(parent, str):
        raise HybridBenchError(f"{path}: {_EXTENDS} = {parent!r} leads in a circle or is no file", "Name a recipe beside it.")
    inherited = _stated(path.parent / parent, depth + 1)
    for own in ("name", "description"):
        inherited.pop(own, None)
    return _merged(inherited, fields)


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Tables are merged key by key; but a table of sources is a whole, for its shares belong together."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(value, dict) and isinstance(old, dict) and key != "sources"
        merged[key] = _merged(old, value) if both and isinstance(old, dict) else value
    return merged


def _set(fields: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        fields = fields.setdefault(parent, {})
        if not isinstance(fields, dict):
            raise HybridBenchError(f"{key}: {parent} has no keys below it", f"Known keys: {', '.join(known_keys())}.")
    fields[last] = value
