"""The recipe: every choice that determines a training."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support import toml
from hybrid_bench.training.batches.strategies import MIXED, Strategy
from hybrid_bench.training.recipe.keys import known_keys, similar_keys
from hybrid_bench.training.recipe.reading import read_fields, set_field
from hybrid_bench.training.recipe.sections import (
    MOST_TRAININGS,
    Averaging,
    BatchChoices,
    Compute,
    Data,
    Dev,
    Distillation,
    Loss,
    Optimiser,
    Section,
    Texts,
    Weights,
)

#: Clearer wording for some of pydantic's messages, by error type.
_MESSAGES = {"extra_forbidden": "unknown key", "tuple_type": 'takes a list, e.g. ["en", "de"]'}


class Recipe(Section):
    """Everything that determines a training. Unknown keys are rejected."""

    #: The name of the encoder; by default the file's.
    name: Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")]
    #: The encoder to train: a name, a Hugging Face id, or a folder.
    base: Annotated[str, Field(min_length=1)]
    #: Added to the card's description after the base and the strategy.
    description: Annotated[str, Field(max_length=500)] = ""
    #: Of all random draws. The limit leaves room below PyTorch's maximum for the consecutive seeds of :class:`Averaging`.
    seed: Annotated[int, Field(ge=0, lt=2**32 - MOST_TRAININGS)] = 1
    data: Data
    batches: BatchChoices = BatchChoices()
    loss: Loss = Loss()
    distillation: Distillation = Distillation()
    optimiser: Optimiser
    weights: Weights = Weights()
    texts: Texts = Texts()
    dev: Dev = Dev()
    compute: Compute = Compute()
    averaging: Averaging = Averaging()

    @classmethod
    def known_keys(cls) -> list[str]:
        """The dotted name of every key that a recipe file may have."""
        return known_keys(cls)

    @property
    def strategy(self) -> Strategy:
        """The strategy of the batches."""
        chosen = self.batches
        return Strategy.from_name(chosen.strategy, chosen.alpha if chosen.strategy in MIXED else None)

    @property
    def hash(self) -> str:
        """SHA-256 of all that determines one training; name, description, averaging and checkpoint interval do not.

        Keys with their default value do not count, so that a key that is added later changes no hash.
        """
        excluded: dict[str, Any] = {"name": True, "description": True, "averaging": True, "compute": {"checkpoint_every"}}
        return hashlib.sha256(self.model_dump_json(exclude=excluded, exclude_defaults=True).encode()).hexdigest()

    def single(self) -> list[Recipe]:
        """The recipes of the single trainings that are averaged."""
        return [
            self.model_copy(update={"name": f"{self.name}-seed{seed}", "seed": seed, "averaging": Averaging()})
            for seed in range(self.seed, self.seed + self.averaging.trainings)
        ]

    @classmethod
    def read(cls, path: Path, changes: Mapping[str, Any] | None = None) -> Recipe:
        """Read a recipe, and the recipes that it extends, from which it does not inherit the name and the description.

        The name defaults to the file's name.

        Args:
            path: the TOML file.
            changes: dotted keys to values that override the file, e.g. ``{"optimiser.steps": 20}``.

        Raises:
            HybridBenchError: if keys are unknown or values invalid; the message lists all of them.
        """
        fields = {"name": path.name.removesuffix(".toml")} | read_fields(path)
        for key, value in (changes or {}).items():
            set_field(fields, key, value, cls.known_keys())
        return cls.parse(fields, f"{path} with {', '.join(changes)} set" if changes else str(path))

    @classmethod
    def parse(cls, fields: dict[str, Any], source: str) -> Recipe:
        """Validate the fields of a recipe; ``source`` names it in the error message.

        Raises:
            HybridBenchError: if keys are unknown or values invalid; the message lists all of them.
        """
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            found = {".".join(map(str, one["loc"])): _MESSAGES.get(one["type"], one["msg"]) for one in error.errors()}
            listed = "; ".join(f"{key}: {message}" if key else message for key, message in found.items())
            unknown = [key for key, message in found.items() if message == _MESSAGES["extra_forbidden"]]
            similar = [match for key in unknown for match in similar_keys(cls, key)]
            suggestion = f"Did you mean {' and '.join(similar)}? " if similar else ""
            raise HybridBenchError(
                f"{source} is not a valid recipe: {listed}",
                f"{suggestion}Known keys: {', '.join(cls.known_keys())}."
                if unknown
                else "The page of recipes in the reference has the values of each key.",
            ) from error

    def to_toml(self) -> str:
        """The whole recipe with every value written out; keys without a value are listed in a comment at the end."""
        stated = self.model_dump(exclude_none=True)
        parts = {key: value.keys() for key, value in stated.items() if isinstance(value, dict)}
        keys = self.known_keys()[1:]
        unset = [key for key in keys if "." in key and key.partition(".")[2] not in parts[key.partition(".")[0]]]
        return toml.dumps(stated) + (f"\n# Not set: {', '.join(unset)}.\n" if unset else "")
