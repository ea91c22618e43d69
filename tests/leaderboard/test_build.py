"""Generated files are deterministic, follow from the submissions, and other content is detected."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hybrid_bench import HybridBenchError
from hybrid_bench.cli.main import app
from hybrid_bench.leaderboard.build import Built, build, differences, write
from hybrid_bench.results import tables
from hybrid_bench.submissions.checking import check
from hybrid_bench.submissions.checksums import seal
from hybrid_bench.submissions.rescoring import rescore
from tests.leaderboard import examples


def record(built: Built, suite: str = examples.SUITE) -> dict[str, object]:
    found: dict[str, object] = json.loads(built.files[f"{suite}.json"])
    return found


def row(built: Built, name: str) -> dict[str, object]:
    (found,) = [row for row in record(built)["recomputed"] if row["encoder"] == f"drawn/{name}"]  # type: ignore[attr-defined]
    return dict(found)


def test_a_full_build_gives_the_same_bytes(folder: Path, built: Built, tmp_path: Path) -> None:
    again = build(folder, store=tmp_path)
    assert again.scored == 3
    assert again.files == built.files


def test_unchanged_submissions_are_not_scored_again(folder: Path, built: Built, store: Path) -> None:
    again = build(folder, store=store)
    assert (again.submissions, again.scored) == (3, 0)
    assert again.files == built.files


def test_only_a_changed_submission_is_scored_again(copy: Path, built: Built, store: Path) -> None:
    (copy / "submissions.lock").unlink()  # a published revision does not change
    target = copy / "submissions" / "drawn__sharp" / "1.0"
    card = (target / "submission.toml").read_text(encoding="utf-8")
    (target / "submission.toml").write_text(card.replace("2500000", "2600000"), encoding="utf-8")
    assert {one.file for one in build(copy, store=store).left_out["drawn__sharp/1.0"]} == {"submission.toml"}
    seal(target)
    again = build(copy, store=store)
    assert again.scored == 1
    assert row(again, "sharp") == row(built, "sharp") | {"parameters": 2_600_000}


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-100],
        lambda content: re.sub(rb'(?<="multi_ap":\{"ar":\{"all":)0\.\d+', b"0.999", content, count=1),
        lambda content: content.partition(b"\n")[2],
        lambda content: b"",
        lambda content: b"\xff" + content,
    ],
    ids=["cut", "edited", "old", "empty", "bytes"],
)
def test_a_corrupt_or_edited_cache_is_ignored(
    folder: Path, built: Built, store: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    for file in store.glob("*.json"):
        before = file.read_bytes()
        assert damage(before) != before
        (tmp_path / file.name).write_bytes(damage(before))
    again = build(folder, store=tmp_path)
    assert again.scored == 3
    assert again.files == built.files


def test_a_cached_submission_is_not_read_as_another_one(folder: Path, built: Built, tmp_path: Path) -> None:
    build(folder, store=tmp_path)
    first, second, _ = tmp_path.glob("*.json")
    first.write_bytes(second.read_bytes())
    again = build(folder, store=tmp_path)
    assert (again.scored, again.files) == (1, built.files)


def test_the_scores_are_those_of_the_result(folder: Path, built: Built) -> None:
    result = rescore(folder / "submissions" / "drawn__sharp" / "1.0").results[examples.SUITE]
    expected = tables.by_query_set(result)
    labels = {column["key"]: column["label"] for column in record(built)["columns"]}  # type: ignore[attr-defined]
    found = row(built, "sharp")
    for key, label in labels.items():
        assert found["values"][key] == pytest.approx(expected.loc["mean", label], abs=1e-6)  # type: ignore[index]
        assert found["by_language"][key] == pytest.approx(expected[label].drop("mean").to_dict(), abs=1e-6)  # type: ignore[index]
    text = built.files[f"{examples.SUITE}.md"].decode()
    assert f"| drawn/sharp | {expected.loc['mean', 'mono AP']:.4f} a |" in text


def test_languages_that_a_card_leaves_out_are_marked_and_the_means_are_given_without_them(copy: Path, store: Path) -> None:
    (copy / "submissions.lock").unlink()  # a published revision does not change
    target = copy / "submissions" / "drawn__sharp" / "1.0"
    card = (target / "submission.toml").read_text(encoding="utf-8")
    stated = 'training_languages = ["ar", "de", "en", "es", "zh"]\nhardware'
    (target / "submission.toml").write_text(card.replace("hardware", stated, 1), encoding="utf-8")
    seal(target)
    again = build(copy, store=store)
    found = row(again, "sharp")
    assert found["left_out"] == ["hi", "vi"]
    frame = tables.by_query_set(rescore(target).results[examples.SUITE])
    assert {"hi *", "vi *"} < set(frame.index)
    for column in record(again)["columns"]:  # type: ignore[attr-defined]
        key, label = column["key"], column["label"]
        assert found["values"][key] == pytest.approx(frame.loc["mean", label], abs=1e-6)  # type: ignore[index]
        assert found["values_without_them"][key] == pytest.approx(frame.loc["mean without hi, vi", label], abs=1e-6)  # type: ignore[index]
    note = f"drawn/sharp: its card does not list hi, vi. Means without these languages: mono AP {frame.iloc[-1]['mono AP']:.4f}, "
    for file in ("mlqa-r.md", "mlqa-r.tex", "site/mlqa-r.html"):
        assert note in again.files[file].decode()
    assert "drawn/sharp\\* |" in again.files["mlqa-r.md"].decode()
    assert "left_out" not in row(again, "blurred")


def test_equally_good_rows_share_a_letter(built: Built) -> None:
    groups = {name: row(built, name)["groups"] for name in examples.DRAWN}
    for column in ("mono_ap", "cross_ap", "multi_ap", "rank_distance"):
        assert {name: found[column] for name, found in groups.items()} == {"sharp": "a", "blurred": "b", "blurred-too": "b"}  # type: ignore[index]
    assert all("same_language" not in found for found in groups.values())  # type: ignore[operator]


def test_published_rows_are_separate_in_every_output(built: Built) -> None:
    board = record(built)
    assert {found["checked"] for found in board["published"]} == {"published"}  # type: ignore[attr-defined]
    assert all("groups" not in found and found["source"] in board["sources"] for found in board["published"])  # type: ignore[attr-defined, operator]
    markdown = built.files["mlqa-r.md"].decode()
    assert markdown.index("drawn/blurred") < markdown.index("## Published") < markdown.index("LaBSE Hybrid")
    latex = built.files["mlqa-r.tex"].decode()
    assert latex.index("drawn/blurred") < latex.index("Published figures, not recomputed") < latex.index("LaBSE Hybrid")
    lines = list(csv.DictReader(io.StringIO(built.files["mlqa-r.csv"].decode())))
    assert {line["checked"] for line in lines if line["source"]} == {"published"}
    assert not [line for line in lines if line["source"] and (line["multi_ap_groups"] or line["licence"])]
    page = built.files["site/mlqa-r.html"].decode()
    own, published = page.split('<tbody class="published">')[0], page.split('<tbody class="published">')[1]
    assert "drawn/sharp" in own
    assert "LaBSE Hybrid" not in own
    assert "LaBSE Hybrid" in published


def test_a_false_claim_is_shown_as_not_confirmed(built: Built) -> None:
    assert row(built, "blurred")["claimed_scores_hold"] is False
    assert row(built, "sharp")["claimed_scores_hold"] is None
    assert "The claimed scores of drawn/blurred were not confirmed." in built.files["mlqa-r.md"].decode()
    page = built.files["site/encoders/drawn__blurred__1.0.html"].decode()
    assert "Claimed scores that were not confirmed" in page
    assert ">0.9900" not in built.files["site/mlqa-r.html"].decode()


def test_zero_shot_is_shown(built: Built) -> None:
    assert row(built, "sharp")["zero_shot"] == "yes"
    assert row(built, "blurred")["zero_shot"] == "no: trained on its articles"


def test_latex_is_a_booktabs_table(built: Built) -> None:
    for suite in ("xquad-r", "mlqa-r", "miracl"):
        lines = built.files[f"{suite}.tex"].decode().splitlines()
        rules = [line for line in lines if line.endswith("rule")]
        assert rules[0] == "\\toprule"
        assert rules[-1] == "\\bottomrule"
        width = len(re.search(r"\{([lr]+)\}$", lines[1])[1])  # type: ignore[index]
        cells = [line for line in lines if line.endswith("\\\\") and "multicolumn" not in line]
        assert {line.count(" & ") for line in cells} == {width - 1}


def test_pages_have_one_script_and_one_style_and_load_nothing(built: Built) -> None:
    pages = {name: text.decode() for name, text in built.files.items() if name.endswith(".html")}
    assert len(pages) == 2 + 3 + 3
    for text in pages.values():
        assert text.count("<script>") == text.count("<style") == 1
        assert text.count("<script") - 1 == text.count('<script type="application/json"'), "figures, which are not run"
        assert "default-src 'none'" in html.unescape(text)
        assert not re.findall(r'(?:src|style|onclick)="|<link[^>]+href="(?!data:)', text)


def test_every_link_has_a_target(built: Built) -> None:
    for name, content in built.files.items():
        if name.endswith(".html"):
            text = content.decode()
            for target in re.findall(r'href="([^"]*)"', text):
                path, _, anchor = target.partition("#")
                if target.startswith(("https://", "data:")):
                    continue
                file = name if not path else (Path(name).parent / path).as_posix().replace("encoders/../", "")
                assert file in built.files, f"{name}: {target}"
                if anchor:
                    assert f'id="{anchor}"' in built.files[file].decode()


def test_every_manual_edit_is_detected(copy: Path, built: Built) -> None:
    assert differences(copy, built) == []
    for name, content in built.files.items():
        path = copy / name
        path.write_bytes(content.replace(b"0", b"1", 1))
        (found,) = differences(copy, built)
        assert found.startswith(f"{name} is out of date: unexpected line ")
        path.unlink()
        assert differences(copy, built) == [f"{name} is missing"]
        path.write_bytes(content)
    (copy / "site" / "encoders" / "extra.html").write_text("x", encoding="utf-8")
    assert differences(copy, built) == ["site/encoders/extra.html is stale: no submission generates it"]
    assert write(copy, built) == ["site/encoders/extra.html"]
    assert differences(copy, built) == []


def test_an_invalid_submission_is_left_out_and_changes_no_file(copy: Path, built: Built, store: Path) -> None:
    target = examples.submit(copy, "late", examples.table(*examples.DRAWN["sharp"]))
    ranks = target / "mlqa-r.ranks.tsv.gz"
    ranks.write_bytes(ranks.read_bytes()[:-20])
    again = build(copy, store=store)
    assert {(one.rule, one.file) for one in again.left_out["drawn__late/1.0"]} >= {("gzip", "mlqa-r.ranks.tsv.gz")}
    assert again.files == built.files


def test_a_copy_and_a_confusable_name_are_left_out(copy: Path, built: Built, store: Path) -> None:
    examples.submit(copy, "vvell-known", examples.table(0.5, 7))
    examples.submit(copy, "well-known", examples.table(0.6, 8), revision="2")
    examples.submit(copy, "thief", examples.table(*examples.DRAWN["sharp"]), org="zz")
    again = build(copy, store=store)
    assert {name: {one.rule for one in found} for name, found in again.left_out.items()} == {
        "drawn__well-known/2": {"name"},
        "zz__thief/1.0": {"duplicate"},
    }
    assert row(again, "vvell-known")["revision"] == "1.0"


def test_a_submission_on_no_board_is_left_out(copy: Path, built: Built, store: Path) -> None:
    examples.submit(copy, "elsewhere", examples.table(0.5, 3, "mini"), suite="mini")
    again = build(copy, store=store)
    ((name, (finding,)),) = again.left_out.items()
    assert (name, finding.rule) == ("drawn__elsewhere/1.0", "suite")
    assert again.files == built.files


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("parameters = 2500000", "parameters = 1"),
        ('description = "Random vectors, sharp"', 'description = "The best"'),
        ('licence = "CC0-1.0"', 'licence = "MIT"'),
        ("alpha = 0.5", "alpha = 0.7"),
        ('trained_on = "no"', 'trained_on = "untrained"'),
        ('contact = "https://github.com/castorini"', 'contact = "another"'),
    ],
)
def test_a_published_revision_does_not_change(copy: Path, store: Path, was: str, becomes: str) -> None:
    target = copy / "submissions" / "drawn__sharp" / "1.0"
    card = (target / "submission.toml").read_text(encoding="utf-8")
    assert was in card
    (target / "submission.toml").write_text(card.replace(was, becomes), encoding="utf-8")
    seal(target)
    again = build(copy, store=store)
    assert [(one.rule, one.severity) for one in again.left_out["drawn__sharp/1.0"]] == [("revision", "error")]
    assert again.files["submissions.lock"] == (copy / "submissions.lock").read_bytes(), "nothing is forgotten"
    assert [one.rule for one in check(target)] == ["revision"]


def test_changed_ranks_of_a_published_revision_are_found(copy: Path, store: Path) -> None:
    target = copy / "submissions" / "drawn__sharp" / "1.0"
    (target / "mlqa-r.ranks.tsv.gz").write_bytes(examples.table(0.5, 9).to_bytes())
    seal(target)
    assert list(build(copy, store=store).left_out) == ["drawn__sharp/1.0"]


def test_the_lock_file_names_every_submission_of_the_boards(copy: Path, built: Built, store: Path) -> None:
    lines = built.files["submissions.lock"].decode().splitlines()
    assert [line[66:] for line in lines] == [f"drawn__{name}/1.0" for name in ("blurred-too", "blurred", "sharp")]
    shutil.rmtree(copy / "submissions" / "drawn__sharp")
    assert build(copy, store=store).files["submissions.lock"] == built.files["submissions.lock"], "withdrawn ones stay"
    for text in ("x\n", lines[0] + "\n" + lines[0] + "\n", "\x00", "0" * 64 + "  ../x/y\n"):
        (copy / "submissions.lock").write_text(text, encoding="utf-8")
        with pytest.raises(HybridBenchError, match=r"submissions\.lock, line \d: expected"):
            build(copy, store=store)


def test_a_published_name_is_not_displaced_by_a_new_one(copy: Path, built: Built, store: Path) -> None:
    examples.submit(copy, "sharp", examples.table(0.5, 9), org="Drawn")
    again = build(copy, store=store)
    assert list(again.left_out) == ["Drawn__sharp/1.0"], "it sorts before the published one"
    assert again.files == built.files


def test_stray_files_are_no_submissions(copy: Path, built: Built, store: Path) -> None:
    submissions = copy / "submissions"
    (submissions / "README.md").write_text("about", encoding="utf-8")
    (submissions / ".DS_Store").write_bytes(b"x")
    (submissions / "drawn__sharp" / "README.md").write_text("about", encoding="utf-8")
    (submissions / "drawn__sharp" / "Thumbs.db").write_bytes(b"x")
    (submissions / ".git" / "x").mkdir(parents=True)
    (copy / "published" / "._lareqa-2020.tsv").write_bytes(b"\x00\x05")
    again = build(copy, store=store)
    assert (again.left_out, again.files) == ({}, built.files)


def test_a_damaged_attestation_leaves_out_its_submission(copy: Path, store: Path) -> None:
    for text in ("suites = 1", "not toml"):
        path = copy / "checks" / "drawn__sharp" / "1.0.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        again = build(copy, store=store)
        assert [(name, [one.rule for one in found]) for name, found in again.left_out.items()] == [
            ("drawn__sharp/1.0", ["attestation"])
        ]
        assert row(again, "blurred")


def test_nothing_is_written_through_a_link(copy: Path, built: Built, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (copy / "site").rename(elsewhere)
    (copy / "site").symlink_to(elsewhere)
    with pytest.raises(HybridBenchError, match="site is a link"):
        write(copy, built)


def test_a_folder_without_submissions_or_published_figures(tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match="contains neither submissions/ nor published/"):
        build(tmp_path)


def test_the_command_line_builds_and_checks(
    copy: Path, built: Built, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "leaderboard").symlink_to(store)
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(tmp_path / "home"))

    def command(*words: str) -> Any:
        return CliRunner().invoke(app, ["leaderboard", "build", "--folder", str(copy), *words])

    (copy / "mlqa-r.md").unlink()
    done = command()
    assert (done.exit_code, done.stdout.split()) == (0, [str(copy / "mlqa-r.md")])
    assert "3 submissions, 0 re-scored" in done.stderr
    done = command("--check")
    assert (done.exit_code, done.stdout) == (0, f"{len(built.files)} files are up to date\n")
    ranks = examples.submit(copy, "late", examples.table(*examples.DRAWN["sharp"])) / "mlqa-r.ranks.tsv.gz"
    content = ranks.read_bytes()
    ranks.write_bytes(content[:-20])
    done = command()
    assert (done.exit_code, done.stdout) == (0, "")
    assert "left out drawn__late/1.0:\n  error: mlqa-r.ranks.tsv.gz:" in done.stderr
    done = command("--check")
    assert (done.exit_code, type(done.exception)) == (1, HybridBenchError)  # 2 through `cli.main`
    shutil.rmtree(ranks.parent)
    (copy / "mlqa-r.csv").write_text("encoder\n", encoding="utf-8")
    done = command("--check")
    assert done.exit_code == 1
    assert done.stdout.startswith("mlqa-r.csv is out of date: unexpected line 'encoder'")
    assert (copy / "mlqa-r.csv").read_text(encoding="utf-8") == "encoder\n", "--check writes nothing"
