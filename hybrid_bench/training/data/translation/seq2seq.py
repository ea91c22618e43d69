"""The built-in translator: sequence-to-sequence models of transformers (NLLB, M2M100, OPUS-MT)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_bench.encoders.batching import token_batches
from hybrid_bench.encoders.checkpoint import folder_hash
from hybrid_bench.encoders.devices import choose_device, choose_dtype
from hybrid_bench.encoders.hub import commit, explained
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support.optional import need
from hybrid_bench.training.data.translation.codes import ISO_639_3, NLLB

if TYPE_CHECKING:
    import torch

#: Source tokens of one batch, padding counted.
_TOKENS_PER_BATCH = 1024
#: Names in OPUS-MT that are not those of ISO 639-3 for the same texts.
_OLDER = {"fa": "fas", "ja": "jap", "sw": "swa", "zh": "zho"}


class Seq2SeqTranslator:
    """A translation model by its folder or its id on the hub.

    The kind of model decides how languages are named: NLLB's ``deu_Latn``, M2M100's ``de``, and for OPUS-MT either nothing
    (one pair of languages) or ``>>deu<<`` before the text (several target languages). Decoding is beam search, without
    chance. Weights are read from safetensors files only, and no code that comes with a model runs.

    Args:
        model: a folder, or an id on the hub.
        revision: of the model on the hub.
        device: a torch device or ``auto``.
        dtype: ``fp32``, ``bf16``, ``fp16`` or ``auto``.
        beams: of the search; 1 is greedy.

    Raises:
        HybridBenchError: if the model cannot be had, or is of another kind.
    """

    def __init__(
        self, model: str, *, revision: str | None = None, device: str = "auto", dtype: str = "auto", beams: int = 4
    ) -> None:
        need("translate", "this translator", "torch", "transformers")
        from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoTokenizer

        if beams < 1:
            raise HybridBenchError(f"a search with {beams} beams", "Give 1 (greedy) or more.")
        self._device = choose_device(device)
        folder = Path(model)
        options: dict[str, Any] = {"trust_remote_code": False}
        if revision and not folder.is_dir():
            options["revision"] = revision
        with explained(model):
            config = AutoConfig.from_pretrained(model, **options)
            if config.model_type not in {"m2m_100", "marian"}:
                raise HybridBenchError(
                    f"{model} is a model of the type {config.model_type!r}, not a translation model that is known here",
                    "Known are NLLB, M2M100 (m2m_100) and OPUS-MT (marian).",
                )
            self._tokenizer: Any = AutoTokenizer.from_pretrained(model, **options)
            number_format, torch_dtype = choose_dtype(dtype, self._device)
            weights = {"use_safetensors": True, "dtype": torch_dtype}
            loaded: Any = AutoModelForSeq2SeqLM.from_pretrained(model, **options, **weights)
        self._model = loaded.to(self._device).eval()
        self._family = self._find_family(config.model_type)
        self._beams = beams
        self._positions = int(config.max_position_embeddings)
        self.name = folder.resolve().name if folder.is_dir() else model
        own = folder_hash(folder)[:16] if folder.is_dir() else commit(model, revision or "") or revision or ""
        #: Beams and the number format are part of what decides a translation.
        self.revision = f"{own}+beams{beams}+{number_format}"

    def _find_family(self, model_type: str) -> str:
        if model_type == "marian":
            return "marian"
        return "nllb" if "eng_Latn" in self._tokenizer.get_vocab() else "m2m100"

    def check(self, source: str, target: str) -> None:
        """Raise HybridBenchError if the model does not have one of the languages."""
        if source == target:
            raise HybridBenchError(f"translating {source} to {target}", "Name another target language.")
        if self._family == "marian":
            self._marian_prefix(source, target)
        else:
            self._code(source)
            self._code(target)

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """Translate texts, batched by length; a text that is too long for the model, or that it turns to nothing, to "".

        Raises:
            HybridBenchError: on a language that the model does not have.
        """
        import torch

        prefix, generation = self._prepare(source, target)
        encoded = self._tokenizer([prefix + text for text in texts])["input_ids"]
        fitting = [index for index, ids in enumerate(encoded) if len(ids) <= self._positions]
        lengths = {index: len(encoded[index]) for index in fitting}
        found = [""] * len(texts)
        for places in token_batches([lengths[index] for index in fitting], _TOKENS_PER_BATCH):
            batch = [fitting[place] for place in places]
            padded = self._tokenizer.pad({"input_ids": [encoded[index] for index in batch]}, return_tensors="pt")
            most = [min(2 * lengths[index] + 16, self._positions - 1) for index in batch]
            with torch.inference_mode():
                tokens: torch.Tensor = self._model.generate(
                    **{key: value.to(self._device) for key, value in padded.items()},
                    num_beams=self._beams,
                    do_sample=False,
                    max_length=None,
                    max_new_tokens=max(most),
                    **generation,
                )
            forced = generation.get("forced_bos_token_id")
            # A model that finds no end is cut at its own text's limit, whatever stands beside it in the batch. And not every
            # tokenizer takes the code of the language for one of its special tokens.
            rows = [row[: 1 + own] for row, own in zip(tokens.tolist(), most, strict=True)]
            written = [[token for token in row if token != forced] for row in rows]
            for index, text in zip(batch, self._tokenizer.batch_decode(written, skip_special_tokens=True), strict=True):
                found[index] = text.strip()
        return found

    def _prepare(self, source: str, target: str) -> tuple[str, dict[str, Any]]:
        """(what is put before a text, options of generation)."""
        self.check(source, target)
        if self._family == "marian":
            return self._marian_prefix(source, target), {}
        self._tokenizer.src_lang = self._code(source)
        if self._family == "m2m100":
            return "", {"forced_bos_token_id": self._tokenizer.get_lang_id(self._code(target))}
        return "", {"forced_bos_token_id": self._tokenizer.convert_tokens_to_ids(self._code(target))}

    def _code(self, language: str) -> str:
        if self._family == "nllb":
            code = NLLB.get(language, language)
            known = code in self._tokenizer.get_vocab() and bool(re.fullmatch(r"[a-z]{3}_[A-Z][a-z]{3}", code))
        else:
            code = language
            known = code in self._tokenizer.lang_code_to_id
        if not known:
            raise HybridBenchError(f"{self.name} has no language {language!r}", "Choose another model or language.")
        return code

    def _marian_prefix(self, source: str, target: str) -> str:
        codes = list(getattr(self._tokenizer, "supported_language_codes", None) or [])
        if codes:
            names = [f">>{target}<<", f">>{ISO_639_3.get(target, target)}<<"]
            for code in codes:
                if code in names or code.partition("_")[0].rstrip("<") + "<<" in names:
                    return f"{code} "
            raise HybridBenchError(f"{self.name} has no language {target!r}", f"It has {', '.join(sorted(codes))}.")
        stated = (self._tokenizer.source_lang, self._tokenizer.target_lang)
        if any(own and not _is_called(own, asked) for own, asked in zip(stated, (source, target), strict=True)):
            raise HybridBenchError(
                f"{self.name} translates from {stated[0]} to {stated[1]}, not from {source} to {target}",
                "OPUS-MT has a model for each pair of languages: choose that of yours.",
            )
        return ""


def _is_called(own: str, asked: str) -> bool:
    """Whether OPUS-MT's name of a language (``de``, ``deu``, ``zho``) is that of a code."""
    if asked in ISO_639_3:
        return own in (asked, ISO_639_3[asked], _OLDER.get(asked))
    return own == asked or (len(asked) == 2 and len(own) == 3 and own.startswith(asked))
