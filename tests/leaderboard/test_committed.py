"""The committed leaderboards are up to date."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hybrid_bench.cli.main import app
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.support import toml

#: SuiteData.digest of each suite, as submissions state it in ``data``: another value would reject every submission there is.
DIGESTS = {
    "mini": "df0eb9c89d1e6c21cae96081939283d61e8cabb5b6430b5cd357e5495b3c7305",
    "xquad-r": "fc05023f9a53f2f1561d673fbc550916c153b047e05b8c80976f4379ce9a0972",
    "mlqa-r": "fa085399c4cb3957866a78eab459ed714dc2bd77609c19eb44fd56951056c82c",
    "afriqa": "e365c60754ab8172be0e66d6c1e71b9aa1936ab4cc842cf6933a8f897f885705",
    "squadshifts": "070e3383d8147750685f04a0d5c904c5bcd77f7663985aff925b7e9857281ebe",
    "beir/nfcorpus/test": "236ae8221f8a3af8965918a0b3866b06a4d59b0a4629845e6acdac53f24fc962",
    "flores200": "11a4e1200bc79fe2aba909dab368c0af68b8ee6bd9e5967fba9a0dacdedf5597",
    "multi30k-flickr8k": "c4395c6e0b82b9a886d8f21b0a6131ca2e16f86f994360ccd6378c3970452829",
}


def test_the_committed_leaderboards_are_up_to_date(root: Path, shared: Path) -> None:
    """``hybrid-bench leaderboard build`` regenerates them."""
    done = CliRunner().invoke(app, ["leaderboard", "build", "--check", "--folder", str(root / "leaderboards")])
    assert (done.exit_code, done.stdout.endswith(" files are up to date\n")) == (0, True), done.stdout


@pytest.mark.parametrize("name", DIGESTS)
def test_the_digest_of_a_suite_is_the_one_that_submissions_state(name: str, shared: Path) -> None:
    assert suite_data.load(name).digest == DIGESTS[name]


def test_the_committed_submissions_state_these_digests(root: Path) -> None:
    cards = [toml.load(file) for file in (root / "leaderboards" / "submissions").glob("*/*/submission.toml")]
    stated = {(name, entry["data"]) for card in cards for name, entry in card["suites"].items()}
    assert stated == {(name, digest) for name, digest in DIGESTS.items() if name != "mini"}
    assert len(cards) == 23
