"""What submission.toml says: the card of an encoder, and what was handed in for each suite."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from hybrid_bench.encoders.card import Pooling

FORMAT = 1
FILE = "submission.toml"

#: How far a row of a board was checked, from the least to the most.
Level = Literal["ranks re-scored", "vectors re-scored", "re-run"]
#: Whether a suite was trained on: not at all, on other texts of the articles it is made from, on the suite, not stated, or
#: nothing is trained.
TrainedOn = Literal["no", "articles", "suite", "not stated", "untrained"]

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?"
_PLACEHOLDER = re.compile(
    r"\b(todo|tbd|tba|fixme|xxx+|fill[ -]?(me|this)?[ -]?in|lorem ipsum|change[ -]?me|placeholder|insert (your|here)|"
    r"your[ _-](name|org|organi[sz]ation|model|email|e-mail|licen[cs]e|url))\b|<[^<>]{1,40}>|^\W*$|example\.(com|org|net)|\?\?\?",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"<\s*[A-Za-z!/?]|\]\s*[(\[]|&#?\w+;|\b(javascript|data|vbscript)\s*:", re.IGNORECASE)


class TextError(ValueError):
    """A text that may not stand in a card, with the rule that it breaks."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def _visible(text: str) -> str:
    """No character that is not seen, or that changes how its neighbours are seen."""
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            raise TextError("text", f"it holds the character U+{ord(character):04X}, which is not seen")
    return text


def _stated(text: str) -> str:
    """Visible, without markup, and filled in."""
    _visible(text)
    if text != text.strip():
        raise TextError("text", "it begins or ends with white space")
    if found := _PLACEHOLDER.search(text):
        raise TextError("placeholder", f"it is still to be filled in: {found.group()!a}")
    if found := _MARKUP.search(text):
        raise TextError("text", f"it holds markup: {found.group()!a}")
    return text


def _separable(name: str) -> str:
    """A name that a path can be made of, and taken apart again."""
    if "__" in name or ".." in name:
        raise TextError("name", "it holds '__' or '..'")
    return name


#: A line of plain text.
Line = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_stated)]
#: What is put before a text: white space and angle brackets have their place here.
Prefix = Annotated[str, Field(max_length=2000), AfterValidator(_visible)]
Name = Annotated[str, Field(pattern=rf"^{_NAME}$"), AfterValidator(_separable)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]
Url = Annotated[
    str,
    Field(max_length=500, pattern=r"^https://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&'*+,;=:@%/?#-]*)?$"),
    AfterValidator(_stated),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _listed(value: Any) -> Any:
    """TOML has lists where the record has tuples."""
    return tuple(value) if isinstance(value, list) else value


class Card(_Strict):
    """What an encoder is, in its submitter's words."""

    description: Line
    licence: Line
    #: Hugging Face id of the weights; None for a closed model.
    model: Annotated[str, Field(pattern=rf"^{_NAME}(/{_NAME})?$")] | None = None
    #: What it was trained from.
    base: Line | None = None
    code: Url | None = None
    paper: Url | None = None
    #: None: not stated.
    parameters: Annotated[int, Field(ge=0, le=10**14)] | None = None
    #: Of its vectors; None for what has no vectors.
    dimension: Annotated[int, Field(ge=1, le=8192)] | None = None
    pooling: Pooling | Literal["other"] | None = None
    similarity: Literal["cosine", "dot", "lexical"] = "cosine"
    query_prefix: Prefix = ""
    passage_prefix: Prefix = ""
    max_length: Annotated[int, Field(ge=1, le=10**7)] | None = None
    training_data: Line
    training_languages: Annotated[tuple[Language, ...], Field(max_length=300)] = ()
    batch_strategy: Literal["mono", "cross", "hybrid", "other", "none", "not stated"]
    #: The share of monolingual batches of a hybrid strategy.
    alpha: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    hardware: Line
    contact: Line

    _lists = field_validator("training_languages", mode="before")(_listed)

    @model_validator(mode="after")
    def _alpha_is_of_hybrid(self) -> Card:
        if (self.alpha is not None) != (self.batch_strategy == "hybrid"):
            raise ValueError("batch_strategy 'hybrid' needs alpha, and the others have none")
        return self


class VectorsFile(_Strict):
    """Vectors that are kept elsewhere: fp16 safetensors of queries and passages."""

    sha256: Sha256
    bytes: Annotated[int, Field(ge=1, le=1 << 40)]
    url: Url | None = None


class Handed(_Strict):
    """What was handed in for a suite."""

    #: Ranks of all relevant passages in ``<suite>.ranks.tsv.gz``, or TREC runs in the folder ``<suite>.runs``.
    kind: Literal["ranks", "runs"]
    #: What the encoder read of a passage.
    passage_text: Literal["sentence", "sentence+context"] = "sentence"
    #: sha256 of the suite's texts and judgements, see ``SuiteData.digest``.
    data: Sha256
    #: Passages a query that were retrieved at most; None: the whole pool.
    depth: Annotated[int, Field(ge=1, le=1000)] | None = None
    trained_on: TrainedOn
    vectors: VectorsFile | None = None
    #: "<setting> <measure>" to the mean over the settings of that kind: recomputed and compared, never shown as a score.
    claimed: Annotated[
        dict[
            Annotated[str, Field(pattern=r"^(monolingual|cross-lingual|multilingual) [A-Za-z@0-9()]{1,30}$")],
            Annotated[float, Field(allow_inf_nan=False)],
        ],
        Field(max_length=60),
    ] = {}

    @model_validator(mode="after")
    def _runs_have_depth(self) -> Handed:
        if self.kind == "runs" and self.depth is None:
            raise ValueError("runs need their depth")
        if self.vectors and self.depth is not None:
            raise ValueError("ranks that vectors give are of the whole pool: leave depth out")
        return self


class Submission(_Strict):
    """submission.toml."""

    format: Literal[1]
    org: Name
    name: Name
    revision: Name
    card: Card
    suites: Annotated[
        dict[Annotated[str, Field(pattern=r"^[a-z0-9-]+(/[a-z0-9+-]+)*$", max_length=60)], Handed],
        Field(min_length=1, max_length=40),
    ]

    @model_validator(mode="after")
    def _what_is_lexical_has_no_vectors(self) -> Submission:
        if self.card.similarity == "lexical" and any(handed.vectors for handed in self.suites.values()):
            raise ValueError("similarity 'lexical' has no vectors: leave them out, or say cosine or dot")
        return self

    @property
    def folder(self) -> str:
        """Where it lies: ``<org>__<name>/<revision>``."""
        return f"{self.org}__{self.name}/{self.revision}"

    @property
    def title(self) -> str:
        """What a board calls it."""
        return f"{self.org}/{self.name}"


def is_name(text: str) -> bool:
    """Whether a text can be the org, the name or the revision of a submission."""
    return re.fullmatch(_NAME, text) is not None and "__" not in text and ".." not in text


def stem(suite: str) -> str:
    """The first part of the names of a suite's files."""
    return suite.replace("/", "__")
