"""``hybrid-bench submit``: from packing to the attestation, with the commands of a submitter and a maintainer."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Cli
from tests.submissions.examples import CARD


def test_from_packing_to_the_attestation(here: Cli, tmp_path: Path, root: Path) -> None:
    (tmp_path / "card.toml").write_text(CARD)
    packed = here(
        "submit", "pack", "tiny", "--org", "org", "--suite", "mini", "--card", "card.toml", "--vectors-out", "vectors",
        "--store", "s", "--revision", "r1",
    )  # fmt: skip
    folder = "leaderboards/submissions/org__tiny/r1"
    nowhere = here("submit", "check", folder)
    assert (nowhere.returncode, "no leaderboard shows 'mini' [suite]" in nowhere.stdout) == (1, True)
    boards = tmp_path / "leaderboards" / "boards"
    boards.mkdir()
    own = (root / "leaderboards" / "boards" / "xquad-r.toml").read_text(encoding="utf-8")
    (boards / "mini.toml").write_text(own.replace('suites = ["xquad-r"]', 'suites = ["mini"]'), encoding="utf-8")
    assert (packed.returncode, packed.stdout) == (0, f"{folder}\n")
    assert "rounding to fp16 changed no mean score by more than" in packed.stderr

    again = here("submit", "pack", "tiny", "--org", "org", "--suite", "mini", "--revision", "r1", "--store", "s")
    assert (again.returncode, again.stderr.count("\n")) == (2, 2)
    assert "exists already" in again.stderr

    checked = here("submit", "check", folder, "--vectors", "vectors/org__tiny/r1", "--record")
    assert (checked.returncode, checked.stdout) == (0, f"{folder}: no errors; the vectors reproduce the ranks on mini\n")
    assert (tmp_path / "leaderboards" / "checks" / "org__tiny" / "r1.toml").is_file()

    rerun = here("submit", "rerun", folder, "--encoder", "tiny", "--store", "s")
    assert rerun.returncode == 0
    assert "100.0% of the ranks identical" in rerun.stdout

    card = tmp_path / folder / "submission.toml"
    card.write_text(card.read_text().replace("one processor", "TODO"))
    findings = here("submit", "check", folder, "--json")
    assert findings.returncode == 1
    assert {(one["rule"], one["file"]) for one in json.loads(findings.stdout)} == {
        ("placeholder", "submission.toml"), ("sums", "submission.toml"),
    }  # fmt: skip
    shown = here("submit", "check", folder)
    assert shown.returncode == 1
    assert "error: submission.toml: card.hardware: contains a placeholder: 'TODO' [placeholder]\n" in shown.stdout
    assert here("submit", "seal", folder).returncode == 0
    assert here("submit", "rerun", folder, "--encoder", "tiny", "--store", "s").returncode == 2


def test_a_missing_folder_is_a_finding(here: Cli) -> None:
    shown = here("submit", "check", "nothing")
    assert shown.returncode == 1
    assert shown.stdout.startswith("error: nothing: cannot be read: No such file or directory [folder]\n")
    assert "submit pack" in shown.stdout
    several = here("submit", "check", "nothing", "nowhere")
    assert "error: nowhere: cannot be read" in several.stdout
    assert several.stdout.endswith("nowhere: has errors\n")
    found = json.loads(here("submit", "check", "nothing", "nowhere", "--json").stdout)
    assert [(one["folder"], one["file"]) for one in found] == [("nothing", "."), ("nowhere", ".")]


def test_a_suite_that_takes_no_submissions_is_refused_before_the_encoder_is_loaded(here: Cli) -> None:
    done = here("submit", "pack", "no/such-encoder", "--org", "org", "--suite", "my-folder")
    assert done.returncode == 2
    assert "unknown suite for submissions 'my-folder'" in done.stderr


def test_features_without_their_names_or_an_encoder_are_refused(here: Cli) -> None:
    for given, message in (
        (("tiny", "--features", "a.npy"), "features need the names of their images"),
        (("--vectors", "v", "--features", "a.npy", "--names", "n.txt"), "the option features has no effect without an encoder"),
    ):
        done = here("submit", "pack", *given, "--org", "org", "--suite", "mini")
        assert (done.returncode, message in done.stderr) == (2, True), done.stderr
