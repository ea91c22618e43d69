"""Submissions on images and captions: packed with the images, checked and scored without them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import EvaluationOptions, Image, evaluate
from hybrid_bench.datasets import captioned
from hybrid_bench.evaluation.questions import by_question
from hybrid_bench.submissions import checking, packing, rerunning
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.rescoring import mean_scores, rescore
from tests.embeddings.encoders import ForImages
from tests.submissions import examples
from tests.submissions.examples import Example

SUITE = "multi30k-flickr8k"
TABLE = f"{SUITE}.ranks.tsv.gz"


class Rounded(ForImages):
    """As a submission's vectors are; texts of more than one part are told apart better than by one letter."""

    def encode(self, texts, role):  # type: ignore[no-untyped-def]
        return super().encode(texts, role).astype(np.float16).astype(np.float32)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def packed(home: Path, tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Iterator[Example]:
    """Files that are named as the images, whose bytes are their names; they are noted in a cache of this module's own."""
    assert shared
    root = tmp_path_factory.mktemp("captioned")
    (root / "images").mkdir()
    for name in captioned.datasets()[SUITE].image_ids():
        (root / "images" / f"{name}.jpg").write_bytes(name.encode())
    (root / "card.toml").write_text(examples.CARD + f'[trained_on]\n{SUITE} = "split"\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYBRID_BENCH_HOME", str(home))
        captioned.add_images(SUITE, root / "images")
        found = packing.pack(
            Rounded(), [SUITE], root / "submissions", org="org", name="tiny-images", revision="r1", card=root / "card.toml",
            vectors_out=root / "vectors", store=root / "store",
        )  # fmt: skip
        evaluated = evaluate(Rounded(), SUITE, options=EvaluationOptions(store=root / "store"))
    evaluated.save(root / "results")
    assert found.missing == []
    yield Example(root, found.folder, found.suites[0].vectors)


@pytest.fixture
def example(packed: Example, tmp_path: Path) -> Example:
    return packed.copy(tmp_path / "board")


def test_it_is_checked_and_its_vectors_reproduce_its_ranks_without_images(packed: Example) -> None:
    assert packed.vectors is not None
    checked = checking.run(packed.folder, vectors=[packed.vectors])
    assert checked.findings == []
    assert checked.attested[SUITE].level == "vectors re-scored"
    assert checked.inspection is not None
    assert checked.inspection.submission.suites[SUITE].trained_on == "split"
    assert sum(file.stat().st_size for file in packed.folder.iterdir()) < 60_000


def test_its_scores_are_those_of_the_evaluation_with_images(packed: Example) -> None:
    from hybrid_bench.results.record import Result

    evaluated = Result.read(packed.root / "results" / SUITE / "tiny.json")
    again = rescore(packed.folder).results[SUITE]
    before, after = mean_scores(evaluated), mean_scores(again)
    assert before.keys() == after.keys() >= {"text-to-image MeanRecall", "image-to-text RankDistance", "cross-lingual R@1"}
    for score, value in before.items():
        assert after[score] == pytest.approx(value, rel=2e-3, abs=2e-3), score
    assert again.primary == "R@10"


def test_images_have_no_language_and_captions_no_pool_of_all(packed: Example) -> None:
    lines = gzip.decompress((packed.folder / TABLE).read_bytes()).decode().splitlines()[1:]
    cells = {(query, language): rest for query, language, *rest in (line.split("\t") for line in lines)}
    assert len(cells) == 8 * 243
    for (_, language), (same, ranks, ranks_all) in cells.items():
        assert same == "-"
        assert len(ranks.split()) == 7
        assert (ranks_all == "-") == (language != "images")
    assert all(len(ranks_all.split()) == 7 for (_, of), (_, _, ranks_all) in cells.items() if of == "images")


@pytest.mark.parametrize(
    ("language", "column", "value", "message"),
    [
        ("de", 4, "1 2 3 4 5 6 7", f"ranks_all must be '-': {SUITE} asks de on no pool of all"),
        ("de", 2, "3", f"same20 must be '-': {SUITE} asks de on no pool of all"),
        ("images", 2, "3", f"same20 must be '-': {SUITE} has no language of images"),
        ("images", 4, "-", "ranks_all has 1 numbers for 7 relevant passages"),
        ("images", 4, "1 2 3 4 5 6 1702", "ranks_all contains '1702', which is not|a rank in the pool of all exceeds"),
        ("images", 3, "1 1 1 1 1 1 244", "a rank exceeds the number of passages"),
        ("images", 4, "1701 1700 1699 1698 1697 1696 1695", "are not of one ranking"),
        ("de", 3, "1 1 1 1 1 1 244", "a rank exceeds the number of passages"),
    ],
)
def test_impossible_ranks_are_errors(example: Example, language: str, column: int, value: str, message: str) -> None:
    def change(text: str) -> str:
        lines = text.splitlines()
        at = next(number for number, line in enumerate(lines) if line.split("\t")[1] == language)
        cells = lines[at].split("\t")
        cells[column] = value
        return "\n".join([*lines[:at], "\t".join(cells), *lines[at + 1 :]]) + "\n"

    example.edit_table(change, example.folder / TABLE)
    messages = [finding.message for finding in checking.check(example.folder) if finding.severity == "error"]
    assert any(part in one for one in messages for part in message.split("|")), messages


def test_a_rerun_needs_the_images_and_gives_the_same_ranks(packed: Example, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(home))
    (found,) = rerunning.rerun(packed.folder, Rounded(), store=packed.root / "store").values()
    assert found.same_ranks == 1.0
    assert found.attested is not None


def test_captions_of_an_image_are_one_question(packed: Example) -> None:
    """Captions in all seven languages share the image, and not the captions in other languages."""
    result = rescore(packed.folder).results[SUITE]
    (values,) = by_question(result, [("text-to-image", "R@10")])
    assert len(values) == 243
    assert values.mean() == pytest.approx(mean_scores(result)["text-to-image R@10"])


@pytest.mark.parametrize("name", ["multi30k", SUITE, "xflickrco", "xtd10"])
def test_suites_of_images_accept_submissions_and_are_known_by_the_names_of_their_images(name: str) -> None:
    assert suite_data.known(name)
    data = suite_data.load(name)
    assert data.suite.name == name
    assert data.digest != suite_data.load("mini").digest
    (image,) = {type(query.content) for query in data.judged["images"].queries}
    assert image is Image
