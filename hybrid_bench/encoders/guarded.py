"""Loading through transformers and sentence-transformers with their gaps closed: every weight is loaded, and no pickle."""

from __future__ import annotations

import contextlib
import copy
import logging
import math
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from hybrid_bench.encoders.hub import explained
from hybrid_bench.encoders.weight_files import read_header
from hybrid_bench.errors import HybridBenchError

#: A model may be that much larger than its checkpoint: weights that are tied, or that :func:`_check_report` names.
_FACTOR, _SLACK = 4, 10**7
#: Names that the error lists.
_LISTED = 3
#: Loading replaces functions of libraries for a while, so that one thread loads at a time.
_LOCK = threading.RLock()


@contextlib.contextmanager
def guarded(model: str) -> Iterator[list[str]]:
    """Guard the loading of a model: what its files lack is an error, and so is a pickle.

    transformers draws weights at random if the checkpoint does not have them, and only logs it; sentence-transformers loads
    pickles if it finds no safetensors. Neither is possible inside this context, nor does a library print to the terminal.

    Args:
        model: its name or folder, for errors.

    Yields:
        Names of weights of pooling layers that the checkpoint lacks; filled while models are loaded. Without the use of
        ``pooler_output`` they decide no vector.

    Raises:
        HybridBenchError: if the model cannot be loaded, or not completely.
    """
    import torch
    from transformers import PreTrainedModel

    from_pretrained, torch_load = PreTrainedModel.__dict__["from_pretrained"], torch.load
    poolers: list[str] = []

    def load_completely(cls: Any, *args: Any, **kwargs: Any) -> Any:
        wanted = kwargs.pop("output_loading_info", False)
        _check_size(model, cls, args, kwargs)
        kwargs["ignore_mismatched_sizes"] = True  # so that they are reported, and not only logged
        loaded, report = from_pretrained.__func__(cls, *args, output_loading_info=True, **kwargs)
        poolers.extend(_check_report(model, report, len(loaded.state_dict())))
        return (loaded, report) if wanted else loaded

    def refuse_pickle(file: Any, *args: Any, **kwargs: Any) -> Any:
        raise HybridBenchError(
            f"a part of {model} is a pickle, which could run code: {file}",
            "Save the model again with a recent version of its library, which writes safetensors.",
        )

    with _LOCK, explained(model), quiet_transformers():
        PreTrainedModel.from_pretrained = classmethod(load_completely)  # type: ignore[assignment,method-assign]
        torch.load = refuse_pickle  # type: ignore[assignment]
        try:
            yield poolers
        finally:
            PreTrainedModel.from_pretrained = from_pretrained  # type: ignore[method-assign]
            torch.load = torch_load


def _check_size(model: str, cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Refuse a configuration that is much larger than the weights: the rest would be drawn at random first, in memory."""
    import torch

    config, folder = kwargs.get("config"), Path(str(args[0])) if args else Path()
    if config is None or not cls.__module__.startswith("transformers.") or getattr(config, "quantization_config", None):
        return
    headers = [read_header(path) for path in folder.glob("*.safetensors")] if folder.is_dir() else []
    if not headers:
        return
    stored = sum(math.prod(tensor.shape) for header in headers for tensor in header.tensors.values())
    with torch.device("meta"):
        stated = sum(parameter.numel() for parameter in cls(copy.deepcopy(config)).parameters())
    if stated > _FACTOR * stored + _SLACK:
        raise HybridBenchError(
            f"{model}: config.json describes a model of {stated:,} weights, and the checkpoint has {stored:,}",
            "Use the configuration that was saved with these weights.",
        )


def _check_report(model: str, report: dict[str, Any], total: int) -> list[str]:
    """The missing weights that belong to pooling layers; other missing weights are an error."""
    mismatched = sorted(report["mismatched_keys"])
    if mismatched:
        name, found, expected = mismatched[0]
        raise HybridBenchError(
            f"{model}: {len(mismatched)} weights do not have the shape that config.json says, first {name}: "
            f"{tuple(found)} for {tuple(expected)}",
            "Use the configuration that was saved with these weights.",
        )
    missing = set(report["missing_keys"])
    poolers = {name for name in missing if "pooler" in name.split(".")[:-1]}
    if missing - poolers:
        raise _missing_error(model, sorted(missing - poolers), report["unexpected_keys"], total)
    return sorted(poolers)


def _missing_error(model: str, missing: list[str], unexpected: Collection[str], total: int) -> HybridBenchError:
    listed = ", ".join(missing[:_LISTED]) + (f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else "")
    problem = f"{model}: {len(missing)} of the model's {total} weights are not in its checkpoint: {listed}"
    prefixes = _prefixes(missing, unexpected)
    if not prefixes:
        return HybridBenchError(problem, "Without them the vectors would be random. Save the model again, or download it again.")
    found = " or ".join(map(repr, prefixes))
    renamed = f"{{name.removeprefix({prefixes[0]!r}): w for name, w in load_file(f).items()}}"
    command = f"from safetensors.torch import *; save_file({renamed}, f, {{'format': 'pt'}})"
    return HybridBenchError(
        f"{problem}; they are there with {found} before their names",
        f"Rename them, with f = the path of the safetensors file: {command}",
    )


def _prefixes(missing: list[str], unexpected: Collection[str]) -> list[str]:
    """The prefixes with which a checkpoint has every missing weight, e.g. ``_orig_mod.``."""
    longest = max(missing, key=len)
    candidates = {name.removesuffix(longest) for name in unexpected if name.endswith(longest)}
    return sorted(prefix for prefix in candidates if all(prefix + name in unexpected for name in missing))


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence progress bars and the reports of loading, which errors replace."""
    from transformers.utils import logging as transformers_logging

    bar, level = transformers_logging.is_progress_bar_enabled(), transformers_logging.get_verbosity()
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if bar:
            transformers_logging.enable_progress_bar()
