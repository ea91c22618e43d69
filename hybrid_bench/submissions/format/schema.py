"""Schema of submission.toml: the encoder card and one entry per suite."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from hybrid_bench.datasets.settings import KINDS
from hybrid_bench.encoders.card import Pooling
from hybrid_bench.submissions.format import texts

FORMAT = 1
FILE = "submission.toml"

#: Verification level of a leaderboard row, from weakest to strongest.
Level = Literal["ranks re-scored", "vectors re-scored", "re-run"]
#: What the encoder was trained on: no data of the suite, other texts of the suite's articles, its training split, the suite
#: itself, not stated, or nothing at all.
TrainedOn = Literal["no", "articles", "split", "suite", "not stated", "untrained"]

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._+-]{0,62}[A-Za-z0-9])?"
_ON_HUB = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?"


def _path_part(name: str) -> str:
    """Reject names that cannot be joined into ``<org>__<name>/<revision>`` and split again."""
    if "__" in name or ".." in name:
        raise texts.TextError("name", "contains '__' or '..'")
    return name


def _current(number: int) -> int:
    if number != FORMAT:
        raise ValueError(f"this version reads format {FORMAT}")
    return number


#: One line of plain text.
Line = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(texts.line)]
#: A prefix of queries or passages; white space, line feeds and angle brackets are allowed.
Prefix = Annotated[str, Field(max_length=2000), AfterValidator(texts.prefix)]
Name = Annotated[str, Field(pattern=rf"^{_NAME}$"), AfterValidator(_path_part)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]
Url = Annotated[
    str,
    Field(max_length=500, pattern=r"^https://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&'*+,;=:@%/?#-]*)?$"),
    AfterValidator(texts.line),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _as_tuple(value: Any) -> Any:
    """Convert a TOML list to the tuple that the strict model expects."""
    return tuple(value) if isinstance(value, list) else value


class Card(_Strict):
    """The encoder card, as stated by the submitter."""

    #: One sentence on the encoder.
    description: Line
    #: Of the weights; ``closed`` for a closed model.
    licence: Line
    #: Hugging Face id of the weights; None for a closed model.
    model: Annotated[str, Field(pattern=rf"^{_ON_HUB}(/{_ON_HUB})?$")] | None = None
    #: The checkpoint it was trained from.
    base: Line | None = None
    #: Where its code is.
    code: Url | None = None
    #: Where it is described.
    paper: Url | None = None
    #: Number of parameters; None if not stated.
    parameters: Annotated[int, Field(ge=0, le=10**14)] | None = None
    #: Dimension of the vectors; None for a searcher without vectors.
    dimension: Annotated[int, Field(ge=1, le=8192)] | None = None
    #: How token vectors are combined; None if not stated.
    pooling: Pooling | Literal["other"] | None = None
    #: ``cosine`` needs unit vectors; ``lexical``: scores depend on the pool, as those of BM25 and fusions.
    similarity: Literal["cosine", "dot", "lexical"] = "cosine"
    #: Put before every query.
    query_prefix: Prefix = ""
    #: Put before every passage.
    passage_prefix: Prefix = ""
    #: In tokens; None if not stated.
    max_length: Annotated[int, Field(ge=1, le=10**7)] | None = None
    #: What it was trained on.
    training_data: Line
    #: Codes; boards mark an encoder whose means are over others too.
    training_languages: Annotated[tuple[Language, ...], Field(max_length=300)] = ()
    #: How training batches were mixed.
    batch_strategy: Literal["mono", "cross", "hybrid", "other", "none", "not stated"]
    #: Share of monolingual batches in a hybrid strategy.
    alpha: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    #: What computed the vectors.
    hardware: Line
    #: Whom to ask.
    contact: Line

    _lists = field_validator("training_languages", mode="before")(_as_tuple)

    @property
    def pool_dependent(self) -> bool:
        """Whether the score of a passage may depend on the pool that is searched, as that of BM25 and fusions does."""
        return self.similarity == "lexical"

    @model_validator(mode="after")
    def _check_alpha(self) -> Card:
        if (self.alpha is not None) != (self.batch_strategy == "hybrid"):
            raise ValueError("alpha is required for batch_strategy 'hybrid' and not allowed for others")
        return self


class VectorsFile(_Strict):
    """Reference to a vectors file stored elsewhere: fp16 safetensors of queries and passages."""

    #: Of the file.
    sha256: Sha256
    #: Its size.
    bytes: Annotated[int, Field(ge=1, le=1 << 40)]
    #: Where it can be downloaded.
    url: Url | None = None


class SuiteEntry(_Strict):
    """What a submission states and provides for one suite."""

    #: Ranks of all relevant passages in ``<suite>.ranks.tsv.gz``, or TREC runs in the folder ``<suite>.runs``.
    kind: Literal["ranks", "runs"]
    #: The part of a passage that the encoder reads.
    passage_text: Literal["sentence", "sentence+context"] = "sentence"
    #: sha256 of the suite's texts and judgements, see ``SuiteData.digest``.
    data: Sha256
    #: Retrieval depth per query; None if the whole pool was ranked.
    depth: Annotated[int, Field(ge=1, le=1000)] | None = None
    #: What of the suite it was trained on: other texts of its ``articles``, its training ``split``, the ``suite``, ``untrained``:
    #: nothing at all.
    trained_on: TrainedOn
    #: What vectors were computed in, before they were rounded to fp16; joined by ``+`` for a fusion. None: not stated.
    dtype: Annotated[str, Field(pattern=r"^(fp32|bf16|fp16|int8)(\+(fp32|bf16|fp16|int8)){0,3}$")] | None = None
    #: sha256 of the precomputed image features and of the names of their images, where no image was read.
    features: Sha256 | None = None
    #: The vectors that the ranks come from.
    vectors: VectorsFile | None = None
    #: "<setting> <measure>" to the claimed mean over the settings of that kind; compared with the recomputed score, never shown
    #: as a score.
    claimed: Annotated[
        dict[
            Annotated[str, Field(pattern=rf"^({'|'.join(KINDS)}) [A-Za-z@0-9()]{{1,30}}$")],
            Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)],
        ],
        Field(max_length=60),
    ] = {}

    @model_validator(mode="after")
    def _check_depth(self) -> SuiteEntry:
        if self.kind == "runs" and self.depth is None:
            raise ValueError("kind 'runs' requires depth")
        if self.vectors and self.depth is not None:
            raise ValueError("vectors rank the whole pool: remove depth")
        return self


class Submission(_Strict):
    """The content of submission.toml."""

    #: Of this file.
    format: Annotated[int, AfterValidator(_current)]
    #: Person or institution that submits.
    org: Name
    #: Of the encoder.
    name: Name
    #: Of the encoder; a published one does not change.
    revision: Name
    #: What the encoder is.
    card: Card
    #: Suite to what is provided for it.
    suites: Annotated[
        dict[Annotated[str, Field(pattern=r"^[a-z0-9-]+(/[a-z0-9+-]+)*$", max_length=60)], SuiteEntry],
        Field(min_length=1, max_length=40),
    ]

    @model_validator(mode="after")
    def _check_vectors(self) -> Submission:
        if self.card.similarity == "lexical" and any(entry.vectors for entry in self.suites.values()):
            raise ValueError("similarity 'lexical' has no vectors: remove them, or state cosine or dot")
        return self

    @property
    def folder(self) -> str:
        """Path below ``submissions/``: ``<org>__<name>/<revision>``."""
        return f"{self.org}__{self.name}/{self.revision}"

    @property
    def title(self) -> str:
        """Display name on leaderboards: ``<org>/<name>``."""
        return f"{self.org}/{self.name}"


def is_name(text: str) -> bool:
    """Whether a text is valid as the org, name or revision of a submission."""
    return re.fullmatch(_NAME, text) is not None and "__" not in text and ".." not in text


def stem(suite: str) -> str:
    """File name stem of a suite: its name with ``/`` replaced."""
    return suite.replace("/", "__")
