"""The conformance test of encoders: correct ones pass, and each defect fails the test for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from _pytest._code.code import ExceptionChainRepr

from hybrid_bench.encoders import load
from hybrid_bench.registry import Registry
from hybrid_bench.testing import EncoderConformance, pictures

pytest_plugins = "pytester"

HERE = str(Path(__file__).parent)

Failures = dict[str, set[str]]
Conformance = Callable[..., tuple[Failures, list[str], int]]

FILE = """
import pytest
import broken_encoders
from hybrid_bench.testing import EncoderConformance

class TestIt(EncoderConformance):
    pass
"""
FIXTURE = """
    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls):
        return broken_encoders.{encoder}()
"""


@pytest.fixture
def conformance(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Conformance:
    """Runs the conformance test on an encoder: (test to the messages it failed with, skip reasons, number passed)."""
    monkeypatch.syspath_prepend(HERE)

    def run(encoder: str = "", **attributes: Any) -> tuple[Failures, list[str], int]:
        lines = [f"    {name} = {value!r}\n" for name, value in attributes.items()]
        pytester.makepyfile(FILE + "".join(lines) + (FIXTURE.format(encoder=encoder) if encoder else ""))
        passed, skipped, failed = pytester.inline_run("-p", "no:cacheprovider", "-W", "error").listoutcomes()
        failures: Failures = {}
        for report in failed:
            test = report.nodeid.rpartition("::")[2].partition("[")[0]
            # The message alone: the rest of the report quotes the source, where every message stands.
            assert isinstance(report.longrepr, ExceptionChainRepr) and report.longrepr.reprcrash
            failures.setdefault(test, set()).add(report.longrepr.reprcrash.message)
        return failures, [report.longreprtext for report in skipped], len(passed)

    return run


def without(skipped: list[str], modality: str) -> list[str]:
    """The skip reasons but for tests of a modality that the encoder lacks."""
    others = [reason for reason in skipped if f"no modality '{modality}'" not in reason]
    assert len(others) < len(skipped) - 20
    return others


@pytest.mark.parametrize("encoder", ["Good", "GoodWithPrefixes", "GoodWithDotProduct", "GoodInGerman", "GoodInSwahili"])
def test_a_good_encoder_passes(conformance: Conformance, encoder: str) -> None:
    failures, skipped, passed = conformance(encoder)
    assert failures == {}
    assert passed >= 40
    skipped = without(skipped, "image")
    without_name = ["set `name` to"] * 4
    expected = {"GoodWithDotProduct": ["similarity = 'dot'"] * 2, "GoodInSwahili": ["languages of the card: sw"] * 2}
    for reason in without_name + expected.get(encoder, []):
        match = next(found for found in skipped if reason in found)
        skipped.remove(match)
    assert skipped == []


def test_a_good_encoder_of_texts_and_images_passes_on_both(conformance: Conformance) -> None:
    failures, skipped, passed = conformance("GoodWithImages")
    assert failures == {}
    assert passed >= 80
    assert all("set `name` to" in reason for reason in skipped)


def test_a_good_encoder_of_images_passes_and_skips_texts(conformance: Conformance) -> None:
    failures, skipped, passed = conformance("GoodWithOnlyImages")
    assert failures == {}
    assert passed >= 35
    assert all("set `name` to" in reason for reason in without(skipped, "text"))


def test_encoders_of_texts_need_no_pillow(conformance: Conformance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    for cached in (pictures.pictures, pictures.changed_pictures, pictures.unusual):
        cached.cache_clear()
    assert conformance("Good")[0] == {}
    failures, _, _ = conformance("GoodWithOnlyImages")
    assert said(failures, "hybrid-bench[images]")


def said(failures: Failures, fragment: str, *tests: str) -> bool:
    """Whether a failure (of these tests) has this in its message."""
    return any(fragment in message for test in tests or failures for message in failures[test])


ORDER = {"test_vectors_are_in_the_order_of_the_inputs": "vectors of query texts are not in the order of the texts"}
COMPANY = {"test_a_vector_does_not_depend_on_other_inputs": "depends on the texts that are encoded with it"}
MEANING = {
    "test_a_query_is_nearer_to_its_answer_than_to_others": "queries are hardly nearer to their answers than to other passages"
}
CARD_DIMENSION = {"test_vectors_have_the_dimension_of_the_card": "dimensions, the card says dimension ="}
TWO_DIMENSIONS = {
    "test_queries_and_passages_have_the_same_dimension": "queries have 64 dimensions and passages 128",
    "test_a_query_is_nearer_to_its_answer_than_to_others": "different dimensions and cannot be compared",
    "test_the_role_matters_if_and_only_if_the_card_says_so": "different dimensions and cannot be compared",
}
#: Every test that compares several texts needs a row for each.
ROWS = dict.fromkeys(
    [
        "test_there_is_a_row_for_each_input",
        "test_vectors_have_the_dimension_of_the_card",
        "test_queries_and_passages_have_the_same_dimension",
        *ORDER,
        *COMPANY,
        "test_the_role_matters_if_and_only_if_the_card_says_so",
    ],
    "a row for each input, repeated ones included",
)

#: Broken encoder to the tests that have to fail, all of them, and what each has to say.
BROKEN: dict[str, dict[str, str]] = {
    "WithNaN": {
        "test_vectors_are_finite": "the vectors of texts as query contain NaN or infinity",
        "test_a_very_long_text_is_truncated": "20,000 characters (words) contain NaN or infinity",
        "test_unusual_text_has_a_vector": "emoji as query contain NaN or infinity",
    },
    "OneRowForAll": ROWS
    | dict.fromkeys(
        [
            "test_any_sequence_is_accepted",
            "test_different_inputs_have_different_vectors",
            *MEANING,
        ],
        "a row for each input",
    ),
    "WithoutRepeatedTexts": ROWS | {"test_any_sequence_is_accepted": "a row for each input"},
    "FlatForOneText": dict.fromkeys(
        [
            "test_one_input_gives_one_row",
            "test_no_inputs_give_no_rows",
            "test_a_very_long_text_is_truncated",
            "test_unusual_text_has_a_vector",
            *COMPANY,
        ],
        "encode() returned an array of shape (128,) for 1 texts",
    ),
    "SmallerQueries": CARD_DIMENSION | TWO_DIMENSIONS,
    "OtherDimensionThanTheCard": CARD_DIMENSION,
    "NotNormalised": dict.fromkeys(
        [
            "test_vectors_have_unit_length_if_the_card_says_cosine",
            "test_a_very_long_text_is_truncated",
            "test_unusual_text_has_a_vector",
        ],
        "has length 3, but the card says similarity = 'cosine'",
    ),
    "SortedByLength": ORDER | COMPANY | MEANING,
    "Reversed": ORDER | COMPANY,
    "DependsOnTheBatch": COMPANY,
    "Noisy": {"test_the_same_call_gives_the_same_bytes": "gave different vectors: switch dropout and sampling off"},
    "SortsItsInput": {"test_its_input_is_not_changed": "changed the list of texts that it was given as query"},
    "NeedsAList": {"test_any_sequence_is_accepted": "takes a list but not a tuple, it raised AttributeError"},
    "CrashesOnNoTexts": {"test_no_inputs_give_no_rows": "raised ValueError: need at least one array to stack"},
    "FlatForNoTexts": {"test_no_inputs_give_no_rows": "returned an array of shape (0,): return one of shape (0, 128)"},
    "CrashesOnLongText": {"test_a_very_long_text_is_truncated": "raised IndexError for a text of 20,000 characters"},
    "CrashesBeyondTheBasicPlane": {"test_unusual_text_has_a_vector": "raised UnicodeEncodeError for emoji as query"},
    "NothingForZeroWidth": {"test_unusual_text_has_a_vector": "nothing but zero-width characters as query has length 0"},
    "Float64": {"test_vectors_are_a_float32_array": "returned an array of float64 for texts as query: return float32"},
    "Lists": {"test_vectors_are_a_float32_array": "returned a list for texts as query: return a numpy array"},
    "AlwaysTheSame": MEANING | {"test_different_inputs_have_different_vectors": "two different passages have the same vector: '"},
    "WithoutMeaning": MEANING,
    "ForgetsItsPrefixes": {
        "test_the_role_matters_if_and_only_if_the_card_says_so": "but texts have the same vectors as query and as passage"
    },
    "HasSecretPrefixes": {
        "test_the_role_matters_if_and_only_if_the_card_says_so": "or the inputs are images, but texts have other vectors as query"
    },
    "OtherFingerprintEachTime": {"test_its_fingerprint_does_not_change": "derive it from the weights only"},
    "EmptyFingerprint": {"test_its_fingerprint_is_a_string": "encoder.fingerprint is '': make it the revision or a hash"},
    "NoFingerprint": {
        "test_it_is_an_encoder": "NoFingerprint is not a hybrid_bench.Encoder: it has no fingerprint",
        "test_its_fingerprint_is_a_string": "encoder.fingerprint is None",
    },
    "ReusesItsBuffer": {"test_a_later_call_does_not_change_returned_vectors": "a later call of encode() changed vectors"},
    "CrashesOnGreyscale": {"test_an_unusual_image_has_a_vector": "raised ValueError for an image with greyscale as query"},
    "ImagesByName": {"test_a_changed_image_is_nearer_to_its_original_than_to_others": "changed images are nearer to their"},
    "ImagesDependOnTheRole": {
        "test_the_role_matters_if_and_only_if_the_card_says_so": "the inputs are images, but images have other vectors",
        "test_a_changed_image_is_nearer_to_its_original_than_to_others": "nearer to their originals than to 0% of other images",
    },
    "SmallerImages": {
        "test_texts_and_images_have_the_same_dimension": "texts have 128 dimensions and images 108",
        "test_no_inputs_give_no_rows": "returned an array of shape (0, 128): return one of shape (0, 108)",
    },
    "ImagesInOneBatch": {"test_a_vector_does_not_depend_on_other_inputs": "depends on the images that are encoded with it"},
    "DictForACard": {"test_its_card_is_an_encoder_card": "encoder.card is a type: make it a hybrid_bench.EncoderCard"},
    "UnknownDtype": {"test_its_dtype_is_known": "encoder.dtype is 'float16': make it one of fp32, fp16, bf16, int8"},
    "DeviceObject": {"test_its_device_is_a_string": "encoder.device is 0: make it a string"},
}


@pytest.mark.parametrize("encoder", BROKEN)
def test_a_broken_encoder_fails_for_its_own_reason(conformance: Conformance, encoder: str) -> None:
    failures, _, passed = conformance(encoder)
    expected = BROKEN[encoder]
    assert failures.keys() == expected.keys()
    for test, fragment in expected.items():
        assert said(failures, fragment, test), failures[test]
    assert passed >= 10


def test_every_test_of_an_encoder_fails_for_some_encoder() -> None:
    """Except those that need a name, which are tested below."""
    tests = {name for name in dir(EncoderConformance) if name.startswith("test_")}
    assert tests - {name for expected in BROKEN.values() for name in expected} == {
        "test_its_card_has_the_name_of_its_entry_point",
        "test_an_unsupported_dtype_is_refused",
        "test_another_process_gives_the_same_fingerprint",
        "test_another_process_gives_the_same_vectors",
    }


def test_the_tolerance_can_be_chosen(conformance: Conformance) -> None:
    assert conformance("DependsOnTheBatch", tolerance=2.0)[0] == {}


def test_two_towers_can_be_declared(conformance: Conformance) -> None:
    assert conformance("HasSecretPrefixes", roles_differ=True)[0] == {}
    assert conformance("Good", roles_differ=True)[0].keys() == {"test_the_role_matters_if_and_only_if_the_card_says_so"}


def test_without_name_and_fixture_there_is_nothing_to_test(conformance: Conformance) -> None:
    failures, _, passed = conformance()
    assert passed == 0
    assert said(failures, "TestIt has no encoder to test: set `name` to an entry point")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution that registers two encoders, for this process and for those that it starts."""
    info = tmp_path / "installed" / "broken-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[hybrid_bench.encoders]\n"
        "good = broken_encoders:load_good\n"
        "better = broken_encoders:load_good\n"
        "good-images = broken_encoders:load_good_images\n"
        "hash-seeded = broken_encoders:load_hash_seeded\n"
    )
    monkeypatch.syspath_prepend(info.parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(info.parent), HERE, *filter(None, [os.environ.get("PYTHONPATH")])]))
    monkeypatch.setattr(load, "REGISTRY", Registry("hybrid_bench.encoders", "encoder"))


@pytest.mark.usefixtures("installed")
class TestAnInstalledEncoder:
    def test_a_good_one_passes_by_its_name_alone(self, conformance: Conformance) -> None:
        failures, skipped, _ = conformance(name="good")
        assert failures == {}
        assert without(skipped, "image") == []

    def test_an_encoder_of_images_gives_the_same_vectors_in_another_process(self, conformance: Conformance) -> None:
        failures, skipped, _ = conformance(name="good-images")
        assert failures == {}
        assert skipped == []

    def test_its_card_has_to_have_its_name(self, conformance: Conformance) -> None:
        failures, _, _ = conformance(name="better")
        assert failures.keys() == {"test_its_card_has_the_name_of_its_entry_point"}
        assert said(failures, "the card says name = 'good', the entry point is 'better'")

    def test_a_hash_that_differs_between_processes_is_found(self, conformance: Conformance) -> None:
        failures, _, _ = conformance(name="hash-seeded")
        assert failures.keys() == {
            "test_its_card_has_the_name_of_its_entry_point",
            "test_an_unsupported_dtype_is_refused",
            "test_another_process_gives_the_same_fingerprint",
            "test_another_process_gives_the_same_vectors",
        }
        assert said(failures, "loading with dtype='fp13' succeeded")
        assert said(failures, "not from hash(), id() or the time")
        assert said(failures, "another process gives other vectors (is there a hash() of text")

    def test_one_that_another_process_cannot_load_says_why(self, conformance: Conformance) -> None:
        failures, _, _ = conformance("Good", name="goood")
        assert said(failures, "another process cannot load 'goood' and encode with it")
        assert said(failures, "Did you mean good")
