"""The built-in translator: sequence-to-sequence models of transformers (NLLB, M2M100, OPUS-MT)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_bench.encoders.batching import token_batches
from hybrid_bench.encoders.checkpoint import folder_hash
from hybrid_bench.encoders.devices import choose_device, choose_dtype
from hybrid_bench.encoders.guarded import guarded
from hybrid_bench.encoders.hub import commit, explained
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support.optional import need
from hybrid_bench.training.data.translation.codes import ISO_639_3, NLLB

if TYPE_CHECKING:
    import torch

#: Source tokens per batch, including padding.
_TOKENS_PER_BATCH = 1024
#: OPUS-MT's language names that differ from the ISO 639-3 codes above.
_OPUS_MT_NAMES = {"fa": "fas", "ja": "jap", "sw": "swa", "zh": "zho"}


class Seq2SeqTranslator:
    """A translation model from a folder or the Hugging Face Hub.

    Languages are passed as the model expects them: NLLB's ``deu_Latn``, M2M100's ``de``, and for OPUS-MT either nothing (models
    of one language pair) or ``>>deu<<`` before the text (several target languages). Decoding is deterministic beam search.
    Weights are loaded from safetensors only, and no code from a model repository is run.

    Args:
        model: a folder, or an id on the Hub.
        revision: of the model on the Hub.
        device: a torch device or ``auto``.
        dtype: ``fp32``, ``bf16``, ``fp16`` or ``auto``.
        beams: of the beam search; 1 is greedy search.

    Raises:
        HybridBenchError: if the model cannot be loaded, or has an unsupported type.
    """

    def __init__(
        self, model: str, *, revision: str | None = None, device: str = "auto", dtype: str = "fp32", beams: int = 4
    ) -> None:
        need("translate", "this translator", "torch", "transformers")
        from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoTokenizer

        if beams < 1:
            raise HybridBenchError(f"beams is {beams}", "Use 1 (greedy search) or more.")
        self._device = choose_device(device)
        folder = Path(model)
        options: dict[str, Any] = {"trust_remote_code": False}
        if revision and not folder.is_dir():
            options["revision"] = revision
        with explained(model):
            config = AutoConfig.from_pretrained(model, **options)
            if config.model_type not in {"m2m_100", "marian"}:
                raise HybridBenchError(
                    f"{model} has the type {config.model_type!r}, which is not a supported translation model",
                    "Supported are NLLB, M2M100 (m2m_100) and OPUS-MT (marian).",
                )
            self._tokenizer: Any = AutoTokenizer.from_pretrained(model, **options)
            number_format, torch_dtype = choose_dtype(dtype, self._device)
            weights = {"use_safetensors": True, "dtype": torch_dtype}
            with guarded(model):
                loaded: Any = AutoModelForSeq2SeqLM.from_pretrained(model, **options, **weights)
        self._model = loaded.to(self._device).eval()
        self._family = self._find_family(config.model_type)
        self._beams = beams
        self._positions = int(config.max_position_embeddings)
        self.name = folder.resolve().name if folder.is_dir() else model
        own = folder_hash(folder)[:16] if folder.is_dir() else commit(model, revision or "") or revision or ""
        #: Includes beams and number format, because they change translations.
        self.revision = f"{own}+beams{beams}+{number_format}"

    def _find_family(self, model_type: str) -> str:
        if model_type == "marian":
            return "marian"
        return "nllb" if "eng_Latn" in self._tokenizer.get_vocab() else "m2m100"

    def check(self, source: str, target: str) -> None:
        """Raise HybridBenchError if the model does not support one of the languages."""
        if source == target:
            raise HybridBenchError(f"source and target language are both {source}", "Choose another target language.")
        if self._family == "marian":
            self._marian_prefix(source, target)
        else:
            self._code(source)
            self._code(target)

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """Translate texts, in batches of similar length; "" if a text is too long for the model, or the output is empty.

        Raises:
            HybridBenchError: if the model does not support one of the languages.
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
            # Truncate outputs without an end token at the limit of their own text, so that they do not depend on the batch.
            # Remove the language code here: not every tokenizer treats it as a special token.
            rows = [row[: 1 + own] for row, own in zip(tokens.tolist(), most, strict=True)]
            written = [[token for token in row if token != forced] for row in rows]
            for index, text in zip(batch, self._tokenizer.batch_decode(written, skip_special_tokens=True), strict=True):
                found[index] = text.strip()
        return found

    def _prepare(self, source: str, target: str) -> tuple[str, dict[str, Any]]:
        """(prefix of the texts, options of generation)."""
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
            raise HybridBenchError(f"{self.name} does not support the language {language!r}", "Choose another model or language.")
        return code

    def _marian_prefix(self, source: str, target: str) -> str:
        codes = list(getattr(self._tokenizer, "supported_language_codes", None) or [])
        if codes:
            names = [f">>{target}<<", f">>{ISO_639_3.get(target, target)}<<"]
            for code in codes:
                if code in names or code.partition("_")[0].rstrip("<") + "<<" in names:
                    return f"{code} "
            raise HybridBenchError(
                f"{self.name} does not support the language {target!r}", f"Supported: {', '.join(sorted(codes))}."
            )
        stated = (self._tokenizer.source_lang, self._tokenizer.target_lang)
        if any(own and not _same_language(own, asked) for own, asked in zip(stated, (source, target), strict=True)):
            raise HybridBenchError(
                f"{self.name} translates from {stated[0]} to {stated[1]}, not from {source} to {target}",
                "Choose the OPUS-MT model of your language pair.",
            )
        return ""


def _same_language(own: str, asked: str) -> bool:
    """Whether OPUS-MT's name of a language (``de``, ``deu``, ``zho``) denotes the language of an ISO 639-1 code."""
    if asked in ISO_639_3:
        return own in (asked, ISO_639_3[asked], _OPUS_MT_NAMES.get(asked))
    return own == asked or (len(asked) == 2 and len(own) == 3 and own.startswith(asked))
