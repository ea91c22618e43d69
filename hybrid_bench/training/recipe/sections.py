"""The sections (TOML tables) of a recipe, with defaults and limits. Unknown keys are rejected."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hybrid_bench.encoders.card import Pooling
from hybrid_bench.training.batches.batch import Mode, NegativesLanguage

#: The largest number of trainings that can be averaged into one encoder.
MOST_TRAININGS = 64

#: Which texts of a batch are negatives, see :attr:`Loss.negatives`.
Negatives = Literal["passages", "symmetric", "all"]

_Share = Annotated[float, Field(ge=0, lt=1)]


class Section(BaseModel):
    """A table of the recipe file."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=True)


class Data(Section):
    """The training data."""

    #: Source (a name, or a path of the user's own data, see :mod:`hybrid_bench.training.data.sources`) to its share of the
    #: batches.
    sources: dict[str, Annotated[float, Field(gt=0)]] = Field(min_length=1)
    #: The languages to train on; empty: all languages of the sources.
    languages: tuple[str, ...] = ()
    #: Suites whose questions, passages and paragraphs are removed from the training data.
    clean_of: tuple[str, ...] = ("xquad-r", "mlqa-r")
    #: Suites of which whole articles are removed as well, e.g. ``squad-dev-r``, on which choices are compared.
    held_out_articles: tuple[str, ...] = ()

    @property
    def shares(self) -> dict[str, float]:
        """The name of each source in the rows of a table to its share."""
        from hybrid_bench.training.data.sources import source_name

        return {source_name(name): share for name, share in self.sources.items()}

    @model_validator(mode="after")
    def _check_names(self) -> Data:
        if len(self.shares) < len(self.sources):
            raise ValueError("two of the sources have the same name: rename a file or folder")
        return self


class BatchChoices(Section):
    """How batches are drawn."""

    #: ``mono``, ``cross``, ``hybrid``; ``english``, ``code-switched``; ``distilled``, ``hybrid+distilled``.
    strategy: Literal["mono", "cross", "hybrid", "english", "code-switched", "distilled", "hybrid+distilled"] = "hybrid"
    #: The share of monolingual batches under ``hybrid`` and ``hybrid+distilled``.
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.5
    #: Pairs per step, over all processes.
    size: Annotated[int, Field(ge=2)] = 100
    #: ``batch``: one language pair per batch, as in the paper; ``example``: one per example.
    mode: Mode = "batch"
    #: The share of examples that are drawn together with others of their article, as harder negatives; 0 in the paper.
    topical: Annotated[float, Field(ge=0, le=1)] = 0.0
    #: Other sentences of the answer's own paragraph that each example gets as hard negatives; 0 in the paper.
    paragraph_negatives: Annotated[int, Field(ge=0, le=16)] = 0
    #: The language of these negatives: that of the ``passage``; that of the ``query``, in which a biased encoder prefers them
    #: to an answer in another language; in monolingual batches both are the same. Or ``any`` in which the paragraph is known.
    negatives_language: NegativesLanguage = "passage"
    #: Languages are drawn in proportion to (number of rows) ** (1 / temperature): inf, the paper's choice, is uniform.
    language_temperature: Annotated[float, Field(gt=0)] = float("inf")
    #: The probability that a word with a known translation is replaced, under ``code-switched`` (arXiv 2305.05295).
    switch_probability: Annotated[float, Field(ge=0, le=1)] = 0.5


class Loss(Section):
    """InfoNCE with the other texts of the batch as negatives."""

    #: Scores are divided by this. The paper does not state its value.
    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.02
    #: The negatives of a pair. ``passages``: the other passages, as in the paper. ``symmetric``: also the other questions for
    #: each passage, the two losses averaged. ``all``: one softmax over both and over question-question and passage-passage
    #: pairs, which are in the same language where the pair itself is cross-lingual (arXiv 2308.03281).
    negatives: Negatives = "passages"
    #: This many times its cosine is added to the logit of a negative passage, so that hard negatives count more
    #: (arXiv 2503.04812).
    hardness: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


class Distillation(Section):
    """The distance to a teacher's vectors, under ``distilled`` and ``hybrid+distilled`` (arXiv 2004.09813).

    The vector of a question or passage in any language is pulled to the teacher's vector of the same question or passage in
    ``language``: the mean squared Euclidean distance of unit vectors, over the texts whose row has that language.
    """

    #: A name, a Hugging Face id or a folder; empty: the base before the training.
    teacher: str = ""
    #: Multiplies the distance. InfoNCE has weight 1.
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    #: The language in which the teacher reads the texts.
    language: str = "en"


class Optimiser(Section):
    """AdamW with a warm-up."""

    #: The number of steps.
    steps: Annotated[int, Field(ge=1)]
    #: The peak learning rate of AdamW.
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 3e-5
    #: Weight decay of matrices.
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1e-2
    #: The share of the steps in which the learning rate rises.
    warmup: _Share = 0.1
    #: After the warm-up: ``linear`` or ``cosine`` to 0, or ``constant``.
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    #: The largest norm of a gradient; longer gradients are clipped. 0: no clipping.
    max_gradient: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0


class Weights(Section):
    """Which weights of the base are trained."""

    #: ``full``: all weights; ``lora``: low-rank updates of linear layers.
    method: Literal["full", "lora"] = "full"
    #: ``lora``: the rank of an update.
    rank: Annotated[int, Field(ge=1)] = 32
    #: A LoRA update is multiplied by ``scale / rank``.
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 32
    #: ``lora``: dropout before an update.
    lora_dropout: _Share = 0.0
    #: Names, or suffixes of names, of the linear layers that get an update; ``all-linear``: every linear layer.
    targets: tuple[str, ...] = ("all-linear",)
    #: ``lora``: also train the biases, including those of normalisation layers (BitFit, arXiv 2106.10199).
    biases: bool = False
    #: Train only this many of the upper layers; None: every layer.
    layers: Annotated[int, Field(ge=1)] | None = None
    #: Do not train word, position and type embeddings; ``lora`` never trains them.
    freeze_embeddings: bool = False
    #: Dropout of hidden states and attention; None: the base's own.
    dropout: _Share | None = None


class Texts(Section):
    """How texts are encoded; values that are not set are those of the base's card."""

    #: Prefix of queries; not set: the base's.
    query_prefix: str | None = None
    #: Prefix of passages; not set: the base's.
    passage_prefix: str | None = None
    #: How token vectors are combined; not set: the base's.
    pooling: Pooling | None = None
    #: Maximum length of queries in tokens; longer ones are truncated.
    max_query_length: Annotated[int, Field(ge=8)] = 64
    #: Maximum length of passages in tokens; longer ones are truncated.
    max_passage_length: Annotated[int, Field(ge=8)] = 256


class Dev(Section):
    """The development set, and early stopping."""

    #: Held-out questions, with their whole articles; 0: no development set, and the last weights are kept.
    questions: Annotated[int, Field(ge=0)] = 200
    #: Steps between two evaluations.
    every: Annotated[int, Field(ge=1)] = 50
    #: Evaluations without improvement after which the training stops; 0: never.
    patience: Annotated[int, Field(ge=0)] = 0
    #: Selects the best weights: the loss, as in the paper, or the AP averaged over the three settings.
    metric: Literal["loss", "AP"] = "AP"

    @model_validator(mode="after")
    def _check_patience(self) -> Dev:
        if self.patience and not self.questions:
            raise ValueError("patience needs a development set: set dev.questions too")
        return self


class Compute(Section):
    """Speed and memory. Apart from ``precision``, these change the result by rounding only."""

    #: Of matrix products; weights are in fp32.
    precision: Literal["fp32", "bf16"] = "fp32"
    #: Tokens per forward pass, including padding.
    micro_batch_tokens: Annotated[int, Field(ge=64)] = 1024
    #: Gradient caching: compute the vectors twice, and keep the activations of one micro-batch only.
    cache_gradients: bool = False
    #: Steps between two checkpoints.
    checkpoint_every: Annotated[int, Field(ge=1)] = 50


class Averaging(Section):
    """Weight averaging over trainings with different seeds (a model soup, arXiv 2203.05482)."""

    #: The number of trainings, with consecutive seeds from ``seed``; their differences to the base are averaged.
    trainings: Annotated[int, Field(ge=1, le=MOST_TRAININGS)] = 1
    #: LoRA: reduce the mean to this rank by SVD; None: concatenate the factors of all trainings, without loss.
    rank: Annotated[int, Field(ge=1)] | None = None
