"""Board specifications: one TOML file per board, strictly validated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hybrid_bench import HybridBenchError, register
from hybrid_bench.leaderboard import specs
from hybrid_bench.leaderboard.build import build
from tests.leaderboard import examples

COLUMN = '[[columns]]\nkey = "mono_ap"\nlabel = "mono AP"\nsetting = "monolingual"\nmeasure = "AP"\n'
BOARD = f'title = "Mini"\nabout = "Everyday topics."\nsuites = ["mini"]\nsorted_by = "mono_ap"\ndetail = "mono_ap"\n{COLUMN}'


def written(folder: Path, **boards: str) -> Path:
    """A folder of leaderboards with ``boards/<name>.toml``."""
    (folder / "boards").mkdir(parents=True)
    for name, text in boards.items():
        (folder / "boards" / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def test_the_shipped_boards_are_those_of_the_repository(root: Path) -> None:
    committed, shipped = (
        {path.name: path.read_bytes() for path in folder.glob("*.toml")}
        for folder in (root / "leaderboards" / "boards", specs.DEFAULTS)
    )
    assert shipped.items() <= committed.items()
    assert [board.name for board in specs.load(root / "leaderboards")][: len(shipped)] == ["xquad-r", "mlqa-r", "miracl"]


def test_a_folder_without_boards_uses_the_shipped_ones(tmp_path: Path) -> None:
    assert specs.load(tmp_path) == specs.read(specs.DEFAULTS)


def test_boards_are_ordered_by_position_then_name(tmp_path: Path) -> None:
    other = {name: BOARD.replace('"mini"', f'"{name}"') for name in ("b", "c", "a")}
    folder = written(tmp_path, **other | {"b": f"position = 1\n{other['b']}"})
    assert [board.name for board in specs.load(folder)] == ["b", "a", "c"]


def test_a_star_in_a_suite_is_its_language() -> None:
    (miracl,) = (board for board in specs.read(specs.DEFAULTS) if board.name == "miracl")
    assert miracl.part_of("miracl/sw/dev") == "sw"
    assert miracl.covers("miracl/sw/dev")
    assert miracl.covers("miracl")
    assert miracl.part_of("miracl") is None
    for other in ("miracl/sw/train", "miracl/sw", "miracl/sw/dev/x", "xquad-r"):
        assert not miracl.covers(other)


def test_a_new_board_needs_only_a_file(tmp_path: Path) -> None:
    folder = written(tmp_path, mini=BOARD)
    examples.submit(folder, "sharp", examples.table(0.4, 5, "mini"), suite="mini")
    examples.submit(folder, "blurred", examples.table(1.6, 6, "mini"), suite="mini")
    built = build(folder, store=tmp_path / "store")
    generated = {*(f"mini.{ending}" for ending in ("csv", "json", "md", "tex")), "submissions.lock"}
    assert {name for name in built.files if "/" not in name} == generated
    record = json.loads(built.files["mini.json"])
    assert [row["encoder"] for row in record["recomputed"]] == ["drawn/sharp", "drawn/blurred"]
    assert [column["key"] for column in record["columns"]] == ["mono_ap"]
    assert [row["groups"] for row in record["recomputed"]] == [{"mono_ap": "a"}, {"mono_ap": "b"}]
    page = built.files["site/mini.html"].decode()
    assert "<h1>Mini</h1>" in page
    assert '<svg class="plot"' not in page, "without a column of RankDistance there is no plot"
    assert "xquad-r" not in built.files["site/index.html"].decode()


def test_the_plot_uses_the_columns_of_the_board(tmp_path: Path) -> None:
    distance = COLUMN.replace("mono_ap", "gap").replace("mono AP", "Gap").replace("monolingual", "multilingual")
    folder = written(tmp_path, mini=BOARD + distance.replace('"AP"', '"RankDistance"') + "higher_is_better = false\n")
    examples.submit(folder, "sharp", examples.table(0.4, 5, "mini"), suite="mini")
    examples.submit(folder, "blurred", examples.table(1.6, 6, "mini"), suite="mini")
    files = build(folder, store=tmp_path / "store").files
    assert "Gap (log scale; lower is better)" in files["site/mini.html"].decode()
    assert "<h3>Gap by query language</h3>" in files["site/encoders/drawn__sharp__1.0.html"].decode()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOARD + "width = 3\n", r"mini\.toml is not a valid board: columns\.0\.width: Extra inputs"),
        ("colour = 1\n" + BOARD, r"mini\.toml is not a valid board: colour: Extra inputs"),
        ('name = "other"\n' + BOARD, "name: the file name is the name"),
        (BOARD.replace('title = "Mini"\n', ""), "title: Field required"),
        (BOARD.replace('"monolingual"', '"bilingual"'), r"columns\.0\.setting"),
        (BOARD.replace('"AP"', '"APP"'), r"columns\.0\.measure: .*ir_measures does not know the measure 'APP'"),
        (BOARD.replace('"AP"', '"SameLanguage@5"'), r"no measure of bias: .*SameLanguage@20"),
        (BOARD.replace('sorted_by = "mono_ap"', 'sorted_by = "multi_ap"'), "sorted_by names no column: 'multi_ap'"),
        (BOARD + COLUMN, "two columns have the key 'mono_ap'"),
        (BOARD.replace('["mini"]', "[]"), "suites"),
        (BOARD.replace('["mini"]', '["../mini"]'), r"suites\.0"),
        (BOARD.replace('["mini"]', '["mini/*/*"]'), r"at most one part '\*'"),
        ("title = ", "is not valid TOML"),
    ],
)
def test_invalid_boards_are_rejected(tmp_path: Path, text: str, message: str) -> None:
    register()  # then ir_measures knows SameLanguage@5, which results do not have
    with pytest.raises(HybridBenchError, match=message):
        specs.load(written(tmp_path, mini=text))


def test_an_empty_folder_of_boards_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match="contains no boards"):
        specs.load(written(tmp_path))


@pytest.mark.parametrize(("one", "other"), [("mini", "mini"), ("mini/*/dev", "mini/de/dev"), ("mini/de/dev", "mini/*/dev")])
def test_a_suite_on_two_boards_is_an_error(tmp_path: Path, one: str, other: str) -> None:
    folder = written(tmp_path, a=BOARD.replace('["mini"]', f'["{one}"]'), b=BOARD.replace('["mini"]', f'["{other}"]'))
    with pytest.raises(HybridBenchError, match="is also on the board"):
        specs.load(folder)
