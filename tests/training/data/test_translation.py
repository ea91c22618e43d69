"""Translation with tiny, randomly initialised models of each type."""

from __future__ import annotations

import dataclasses
import inspect
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.encoders.hub import explained
from hybrid_bench.plugin import SilentProgress
from hybrid_bench.training.data.readers import jsonl
from hybrid_bench.training.data.table import ParallelRow, ParallelTable
from hybrid_bench.training.data.translation.protocol import REGISTRY, Translator
from hybrid_bench.training.data.translation.seq2seq import Seq2SeqTranslator, _same_language
from hybrid_bench.training.data.translation.store import translations
from hybrid_bench.training.data.translation.table import check_output, translate
from hybrid_bench.training.data.translation.table import pieces as cut_pieces
from tests.embeddings.whole_numbers import Told

CONTEXT = "The cat drinks milk. The dog, however, sees number 7! Where is the bird?"
ROWS = [
    ParallelRow("1", "s", "Cats", {"en": "What does the cat drink?"}, {"en": "The cat drinks milk."}, {"en": CONTEXT}),
    ParallelRow("2", "s", "Cats", {"en": "What does the dog see?"}, {"en": "dog, however, sees number 7!"}, {"en": CONTEXT}),
    ParallelRow("3", "s", "", {"en": "Is there more?"}, {}),
    ParallelRow("4", "s", "", {"en": "Had already?", "de": "Schon da?"}, {"en": "It was there already."}),
]
SIZES = {
    "d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "max_position_embeddings": 64,
}  # fmt: skip


def pieces(folder: Path) -> tuple[Path, list[str]]:
    import sentencepiece

    folder.mkdir(parents=True)
    texts = [text for row in ROWS for text in (*row.question.values(), CONTEXT)] * 20
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_prefix=str(folder / "spm"), vocab_size=80, hard_vocab_limit=False, minloglevel=2
    )
    model = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spm.model"))
    own = [model.id_to_piece(index) for index in range(model.get_piece_size())]
    return folder / "spm.model", ["<s>", "<pad>", "</s>", "<unk>", *(p for p in own if p not in ("<s>", "</s>", "<unk>"))]


def vocabulary(path: Path, names: Sequence[str]) -> str:
    path.write_text(json.dumps({name: index for index, name in enumerate(names)}))
    return str(path)


def save_m2m100(folder: Path) -> Path:
    import torch
    from transformers import M2M100Config, M2M100ForConditionalGeneration, M2M100Tokenizer

    spm, names = pieces(folder / "make")
    tokenizer = M2M100Tokenizer(vocabulary(folder / "v.json", names), str(spm))
    torch.manual_seed(0)
    size = max(tokenizer.lang_code_to_id.values()) + 9
    M2M100ForConditionalGeneration(M2M100Config(vocab_size=size, **SIZES)).save_pretrained(folder / "m2m")
    tokenizer.save_pretrained(folder / "m2m")
    return folder / "m2m"


def save_nllb(folder: Path) -> Path:
    """A tiny model of NLLB's type, with a byte-pair tokenizer that has a token per language."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

    trained = Tokenizer(models.BPE(unk_token="<unk>"))  # noqa: S106  # no secret
    trained.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")  # type: ignore[assignment]
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    texts = [text for row in ROWS for text in (*row.question.values(), CONTEXT)]
    trained.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=120, special_tokens=special, show_progress=False))
    learned = json.loads(trained.to_str())["model"]
    tokenizer = NllbTokenizer(learned["vocab"], [tuple(pair) for pair in learned["merges"]])
    torch.manual_seed(0)
    M2M100ForConditionalGeneration(M2M100Config(vocab_size=len(tokenizer), **SIZES)).save_pretrained(folder / "nllb")
    tokenizer.save_pretrained(folder / "nllb")
    return folder / "nllb"


def save_marian(folder: Path, targets: Sequence[str] = ()) -> Path:
    import torch
    from transformers import MarianConfig, MarianMTModel, MarianTokenizer

    spm, names = pieces(folder / "make")
    names = [*names, *targets]
    tokenizer = MarianTokenizer(
        str(spm), str(spm), vocabulary(folder / "v.json", names), source_lang="en", target_lang="de" if not targets else "gem"
    )
    torch.manual_seed(0)
    size = len(names) + 1
    config = MarianConfig(
        vocab_size=size, pad_token_id=1, eos_token_id=2, decoder_start_token_id=1, forced_eos_token_id=2, **SIZES
    )
    MarianMTModel(config).save_pretrained(folder / "marian")
    tokenizer.save_pretrained(folder / "marian")
    return folder / "marian"


@pytest.fixture(scope="module")
def m2m100(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_m2m100(tmp_path_factory.mktemp("m2m100"))


class Counting:
    """Wraps a translator, counts its texts, and can raise after a number of them like a killed process."""

    def __init__(self, inner: Translator, most: int = 10**9) -> None:
        self.inner, self.most, self.seen = inner, most, 0
        self.name, self.revision, self.check = inner.name, inner.revision, inner.check

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        self.seen += len(texts)
        if self.seen > self.most:
            raise KeyboardInterrupt
        return self.inner.translate(texts, source, target)


def test_translated_passages_stay_part_of_their_paragraph(m2m100: Path, tmp_path: Path) -> None:
    translator = Seq2SeqTranslator(str(m2m100), device="cpu", beams=1)
    found = translate(ParallelTable.from_rows(ROWS), ["de", "zh"], translator, tmp_path / "parts")
    rows = {row.id: row for row in found.rows()}
    for row in (rows["1"], rows["2"]):
        assert row.question.keys() == row.sentence.keys() == row.context.keys() == {"en", "de", "zh"}
        for language in ("de", "zh"):
            assert row.sentence[language] in row.context[language]
            assert row.translator[language] == f"{translator.name}@{translator.revision}"
    assert rows["3"].question.keys() == {"en", "de", "zh"}
    assert not rows["3"].sentence
    assert rows["4"].question["de"] == "Schon da?", "what is there is kept"
    assert rows["4"].sentence["de"] == translator.translate([ROWS[3].sentence["en"]], "en", "de")[0], "what is not is made"
    assert "__de__" not in rows["1"].sentence["de"], "the code of the language is no part of a text"
    direct = translator.translate([ROWS[0].sentence["en"]], "en", "de")
    assert rows["1"].sentence["de"] == direct[0]
    again = translate(
        ParallelTable.from_rows(ROWS), ["de", "zh"], Seq2SeqTranslator(str(m2m100), device="cpu", beams=1), tmp_path / "p2"
    )
    assert again.hash == found.hash


def test_existing_paragraphs_are_kept_and_paragraphs_without_the_passage_are_skipped(m2m100: Path, tmp_path: Path) -> None:
    translator = Seq2SeqTranslator(str(m2m100), device="cpu", beams=1)
    own = ParallelRow("1", "s", "", {"en": "What?"}, {"en": "The cat drinks milk."}, {"en": CONTEXT, "de": "Ein eigener Absatz."})
    apart = ParallelRow("2", "s", "", {"en": "Where?"}, {"en": "It is not there."}, {"en": CONTEXT})
    rows = {
        row.id: row for row in translate(ParallelTable.from_rows([own, apart]), ["de"], translator, tmp_path / "parts").rows()
    }
    assert rows["1"].context["de"] == "Ein eigener Absatz."
    assert rows["1"].sentence["de"]
    assert rows["2"].sentence["de"]
    assert "de" not in rows["2"].context


def test_passage_is_matched_as_a_sentence_before_as_a_substring() -> None:
    assert cut_pieces("Hotdogs bark! Who else? dogs bark!", "dogs bark!") == ["Hotdogs bark!", "Who else?", "dogs bark!"]
    assert cut_pieces("The dog, however, sees 7! Yes.", "dog, however, sees 7!") == ["The", "dog, however, sees 7!", "Yes."]


def test_overwriting_earlier_translations_is_an_error(tmp_path: Path) -> None:
    path, table = tmp_path / "parallel.jsonl", ParallelTable.from_rows(ROWS)
    check_output(path, table, ["fr"])
    jsonl.save(table, path)
    check_output(path, table, ["fr"])
    with_fr = [dataclasses.replace(row, question={**row.question, "fr": "quoi"}) for row in ROWS]
    jsonl.save(ParallelTable.from_rows(with_fr), path)
    check_output(path, table, ["fr", "zh"])
    with pytest.raises(HybridBenchError, match="also has fr, which would be lost"):
        check_output(path, table, ["zh"])
    others = ParallelTable.from_rows([dataclasses.replace(row, question={"en": "Another?"}) for row in ROWS])
    with pytest.raises(HybridBenchError, match="holds translations of other questions"):
        check_output(path, others, ["fr"])


def test_interrupted_translation_resumes(m2m100: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybrid_bench.training.data.translation.store._PART", 2)
    real = Seq2SeqTranslator(str(m2m100), device="cpu", beams=1)
    texts = ["the cat", "the dog", "the bird", "the number", "milk", "the cat"]

    def run(translator: Translator) -> dict[str, str]:
        return translations(texts, "en", "de", translator, tmp_path, SilentProgress())

    stopped = Counting(real, most=3)
    with pytest.raises(KeyboardInterrupt):
        run(stopped)
    resumed = Counting(real)
    found = run(resumed)
    assert resumed.seen == 3, "two of the five were done"
    assert list(found) == texts[:5]
    spoilt = sorted(tmp_path.glob("de-*.json"))[0]
    spoilt.write_text("[")
    mended = Counting(real)
    assert run(mended) == found
    assert 0 < mended.seen <= 2
    texts.remove("the dog")
    texts.insert(0, "a new one")
    other = Counting(real)
    assert run(other).items() >= {text: found[text] for text in found if text != "the dog"}.items()
    assert other.seen == 1, "what was translated stays, whatever stands beside it"


def test_opus_mt_of_one_language_pair(tmp_path: Path) -> None:
    translator = Seq2SeqTranslator(str(save_marian(tmp_path)), device="cpu", beams=1)
    assert all(translator.translate(["the cat drinks milk", "the dog"], "en", "de"))
    for other in ("fr", "d", "e", "deu_Latn"):
        with pytest.raises(HybridBenchError, match=f"translates from en to de, not from en to {other}"):
            translator.check("en", other)


@pytest.mark.parametrize(
    ("own", "asked", "same"),
    [
        ("de", "de", True),
        ("deu", "de", True),
        ("jap", "ja", True),
        ("zho", "zh", True),
        ("cmn", "zh", True),
        ("ron", "ro", True),
        ("est", "es", False),
        ("de", "d", False),
        ("ROMANCE", "ro", False),
    ],
)
def test_language_names_of_opus_mt(own: str, asked: str, same: bool) -> None:
    assert _same_language(own, asked) is same


def test_revision_includes_the_number_format(m2m100: Path) -> None:
    revisions = {Seq2SeqTranslator(str(m2m100), device="cpu", beams=1, dtype=dtype).revision for dtype in ("fp32", "bf16")}
    assert len(revisions) == 2


def test_nllb_language_codes(tmp_path: Path) -> None:
    translator = Seq2SeqTranslator(str(save_nllb(tmp_path)), device="cpu", beams=2)
    codes = {code: translator._tokenizer.convert_tokens_to_ids(code) for code in ("eng_Latn", "deu_Latn", "zho_Hans")}
    assert len(set(codes.values())) == 3
    for target, code in (("de", "deu_Latn"), ("zho_Hans", "zho_Hans")):  # ISO 639-1, or NLLB's own code
        assert translator._prepare("en", target) == ("", {"forced_bos_token_id": codes[code]})
    assert translator._tokenizer("the cat")["input_ids"][0] == codes["eng_Latn"], "the language of the text comes first"
    texts = ["the cat drinks milk", "the dog", "Where is the bird?"]
    german = translator.translate(texts, "en", "de")
    assert all(german)
    assert "deu_Latn" not in " ".join(german)
    assert translator.translate(texts[1:2], "en", "de") == german[1:2], "a batch changes nothing"
    with pytest.raises(HybridBenchError, match="does not support the language 'xx'"):
        translator.check("en", "xx")


def test_opus_mt_with_several_target_languages(tmp_path: Path) -> None:
    translator = Seq2SeqTranslator(str(save_marian(tmp_path, [">>deu<<", ">>cmn_Hans<<"])), device="cpu", beams=1)
    translator.check("en", "de")
    translator.check("en", "zh")
    assert translator._prepare("en", "zh")[0] == ">>cmn_Hans<< "
    with pytest.raises(HybridBenchError, match="does not support the language 'fr'"):
        translator.check("en", "fr")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t.check("en", "en"), "source and target language are both en"),
        (lambda t: t.check("en", "xx"), "does not support the language 'xx'"),
    ],
)
def test_unsupported_arguments_are_errors(call: Callable[[Any], object], message: str, m2m100: Path) -> None:
    with pytest.raises(HybridBenchError, match=message):
        call(Seq2SeqTranslator(str(m2m100), device="cpu", beams=1))


def test_texts_without_a_translation_are_skipped(m2m100: Path, tmp_path: Path) -> None:
    translator = Seq2SeqTranslator(str(m2m100), device="cpu", beams=1)
    long = "cat " * 80
    assert translator.translate(["the cat", long], "en", "de")[1] == ""
    rows = [*ROWS, ParallelRow("5", "s", "", {"en": "Is it long?"}, {"en": long}), ParallelRow("6", "s", "", {"en": long})]
    progress = Told()
    found = {
        row.id: row for row in translate(ParallelTable.from_rows(rows), ["de"], translator, tmp_path, progress=progress).rows()
    }
    assert found["1"].sentence.keys() == found["5"].question.keys() == {"en", "de"}
    assert found["5"].sentence.keys() == found["6"].question.keys() == {"en"}
    assert "de" not in found["6"].translator
    (remark,) = progress.remarks
    assert remark.startswith("1 of 11 texts have no translation to de (too long for")
    with pytest.raises(HybridBenchError, match="returned no translation from en to de of any text: 'cat cat"):
        translate(ParallelTable.from_rows(rows[5:]), ["de"], translator, tmp_path)


def test_other_model_types_are_errors(tmp_path: Path) -> None:
    from tests.encoders.models import save_transformer

    with pytest.raises(HybridBenchError, match="has the type 'bert', which is not a supported translation model"):
        Seq2SeqTranslator(str(save_transformer(tmp_path / "bert")))
    with pytest.raises(HybridBenchError, match="cannot load"):
        Seq2SeqTranslator(str(tmp_path))


def test_pickled_weights_are_not_loaded(m2m100: Path, tmp_path: Path) -> None:
    shutil.copytree(m2m100, tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").rename(tmp_path / "model" / "pytorch_model.bin")
    with pytest.raises(HybridBenchError, match=r"cannot load .*model\.safetensors"):
        Seq2SeqTranslator(str(tmp_path / "model"), device="cpu")


def test_hub_model_without_safetensors_is_an_error() -> None:
    """Without network: the message of the library is raised here."""
    from transformers import modeling_utils

    said = "cannot be loaded with `safetensors`"
    assert said in inspect.getsource(modeling_utils)
    with pytest.raises(HybridBenchError, match="a/b has no weights in safetensors") as caught, explained("a/b"):
        raise OSError(f"a/b does not appear to have a file named model.safetensors and thus {said}.")
    assert "refs/pr/1" in caught.value.remedy


def test_built_in_translator_is_registered() -> None:
    assert REGISTRY.get("seq2seq") is Seq2SeqTranslator
    with pytest.raises(HybridBenchError, match="Did you mean seq2seq"):
        REGISTRY.get("seqseq")


def test_missing_source_language_is_an_error(m2m100: Path, tmp_path: Path) -> None:
    table = ParallelTable.from_rows(ROWS)
    translator = Seq2SeqTranslator(str(m2m100), device="cpu", beams=1)
    with pytest.raises(HybridBenchError, match="nothing in 'fi' to translate"):
        translate(table, ["de"], translator, tmp_path, source="fi")
    with pytest.raises(HybridBenchError, match="no language to translate to"):
        translate(table, [], translator, tmp_path)


def test_translated_rows_round_trip_through_json_lines(m2m100: Path, tmp_path: Path) -> None:
    translator = Seq2SeqTranslator(str(m2m100), device="cpu", beams=1)
    found = translate(ParallelTable.from_rows(ROWS[:1]), ["de"], translator, tmp_path / "parts")
    jsonl.save(found, tmp_path / "parallel.jsonl")
    assert ParallelTable.from_rows(jsonl.read("x", tmp_path / "parallel.jsonl").rows).hash == found.hash
