"""Published figures are those of their sources, each with a citation."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.leaderboard import specs
from hybrid_bench.leaderboard.build import build
from hybrid_bench.leaderboard.published import PublishedFile, read

ROOT = Path(__file__).parent.parent.parent
_SOURCE = 'title = "T"\nurl = "https://example.org"\nauthors = "A"\nlicence = "L"\nmeasured = "M"\ncitation = "C"\n'
BOARDS = specs.read(specs.DEFAULTS)
XQUAD_R, MLQA_R, MIRACL = BOARDS
#: Board to the number of its systems.
OF_IMAGES = {"multi30k": 1, "xflickrco": 4, "xtd10": 16, "xm3600": 9}
_HEAD = "suite\tsystem\tsetting\tquery_language\tmeasure\tvalue\n"


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e308", "1e999", "1_0", "\u0660.\u0665", "", "0x1", "x"])
def test_a_figure_that_is_no_number_is_an_error(tmp_path: Path, value: str) -> None:
    (tmp_path / "x.toml").write_text(_SOURCE)
    (tmp_path / "x.tsv").write_text(f"{_HEAD}xquad-r\tS\tmultilingual\tde\tAP\t{value}\n", encoding="utf-8")
    with pytest.raises(HybridBenchError, match=r"x\.tsv, line 2: invalid figure"):
        read(tmp_path, BOARDS)


@pytest.mark.parametrize(
    ("setting", "language", "measure"),
    [
        ("monolingual", "de", "AP"),
        ("multilingual", "mean", "RankDistance"),
        ("multilingual", "de", "SameLanguage@20"),
        ("multilingual", "mean", "AP"),
    ],
)
def test_a_system_with_only_some_measures_is_shown(tmp_path: Path, setting: str, language: str, measure: str) -> None:
    published = tmp_path / "published"
    published.mkdir()
    (published / "x.toml").write_text(_SOURCE)
    line = f"xquad-r\tsome system\t{setting}\t{language}\t{measure}\t0.5\n"
    (published / "x.tsv").write_text(f"{_HEAD}{line}xquad-r\tother\tmultilingual\tmean\tAP\t0.4\n")
    built = build(tmp_path, store=tmp_path / "store")
    assert "some system" in built.files["site/xquad-r.html"].decode()
    assert "| some system |" in built.files["xquad-r.md"].decode()


def test_two_thousand_mutations_of_a_table_of_figures(tmp_path: Path) -> None:
    """Each is read or is an error."""
    draw = random.Random(20)
    source = (ROOT / "leaderboards" / "published" / "lareqa-2020.toml").read_bytes()
    table = (ROOT / "leaderboards" / "published" / "lareqa-2020.tsv").read_bytes()[:2000]
    pieces = [b"\t", b"\n", b"nan", b"1e999", b"\xff", b"\x00", b'"', b"\r", b"= [", b"mean"]
    failed = 0
    for number in range(2000):
        both = [bytearray(table), bytearray(source)]
        mutated = both[number % 5 == 0]
        start = draw.randrange(len(mutated))
        mutated[start : start + draw.choice((0, 1, 1, 8))] = draw.choice((draw.randbytes(1), draw.choice(pieces)))
        for name, content in zip(("x.tsv", "x.toml"), both, strict=True):
            (tmp_path / name).write_bytes(content)
        try:
            for file in read(tmp_path, BOARDS):
                file.systems(XQUAD_R)
        except HybridBenchError:
            failed += 1
    assert 100 < failed < 2000


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture(scope="module")
def files() -> dict[str, PublishedFile]:
    return {file.name: file for file in read(ROOT / "leaderboards" / "published", BOARDS)}


def test_every_committed_table_has_its_citation(files: dict[str, PublishedFile]) -> None:
    of_images = {"iglue-2022", "mmt-retrieval", "multilingual-clip-2022", "open-clip-multilingual"}
    assert set(files) == {"elmahdy-2024", "lareqa-2020", "pyserini-beir-2cr", "pyserini-miracl-2cr"} | of_images
    for file in files.values():
        assert file.source.citation.startswith("@")
        assert file.figures


def test_the_paper_s_figures_are_copied_whole(files: dict[str, PublishedFile], shared: Path) -> None:
    facts = rows(shared / "facts" / "elmahdy_tables_long.tsv")
    assert sorted(float(row["value"]) for row in facts) == sorted(figure.value for figure in files["elmahdy-2024"].figures)
    systems = files["elmahdy-2024"].systems(XQUAD_R)
    kinds = {"mono": "mono_ap", "cross": "cross_ap", "multi": "multi_ap"}
    names = {"XXmono": "X-X", "XY": "X-Y", "Hybrid": "Hybrid"}
    compared = 0
    for row in facts:
        if row["dataset"] == "XQuAD-R" and row["metric"] == "mAP":
            kind, _, strategy = row["column"].partition("_")
            system = systems[f"{row['init']} {names[strategy]}"]
            language = "mean" if row["lang"].lower() in ("avg", "average", "mean") else row["lang"]
            assert system[kinds[kind]][language] == float(row["value"])
            compared += 1
    assert compared == 2 * 9 * 12, "two initialisations, nine columns, eleven languages and their mean"


def test_lareqa_s_figures_are_copied_whole(files: dict[str, PublishedFile], shared: Path) -> None:
    facts = {(row["dataset"], row["system"]): float(row["value"]) for row in rows(shared / "facts" / "lareqa_published.tsv")}
    found = {}
    for board in (XQUAD_R, MLQA_R):
        for system, figures in files["lareqa-2020"].systems(board).items():
            assert set(figures) == {"multi_ap"}
            found[board.name, system] = figures["multi_ap"]["mean"]
    assert found == facts


def test_figures_of_images_are_copied_whole(files: dict[str, PublishedFile], shared: Path) -> None:
    """Multi30k, xFlickr&CO, XTD10 and Crossmodal-3600; of the last, images to captions is whether one is found."""
    directions = {"text-to-image": "t2i", "image-to-text": "i2t"}
    found = {
        (
            figure.suite,
            figure.system,
            "both" if figure.measure == "MeanRecall" else directions[figure.setting],
            {"mean": "avg", "ja": "jp"}.get(figure.query_language, figure.query_language),
            figure.measure.replace("Success", "R").replace("MeanRecall", "mR"),
        ): figure.value
        for name in ("iglue-2022", "mmt-retrieval", "multilingual-clip-2022", "open-clip-multilingual")
        for figure in files[name].figures
    }
    facts = {
        (row["benchmark"], row["model"], row["direction"], row["language"].replace("ja", "jp"), row["measure"]): float(
            row["value"]
        )
        for row in rows(shared / "facts" / "published_image_text.tsv")
        if row["benchmark"] in ("multi30k", "xflickrco", "xtd10", "xm3600")
    }
    assert found == facts
    assert len(facts) == 368


def test_the_boards_of_images_show_every_figure(files: dict[str, PublishedFile]) -> None:
    boards = {board.name: board for board in specs.load(ROOT / "leaderboards")}
    shown = {name: {system for file in files.values() for system in file.systems(boards[name])} for name in OF_IMAGES}
    assert {name: len(systems) for name, systems in shown.items()} == OF_IMAGES


def test_miracl_has_only_figures_on_dev(files: dict[str, PublishedFile]) -> None:
    bm25 = files["pyserini-miracl-2cr"].systems(MIRACL)["bm25"]
    assert bm25["mono_ndcg"]["yo"] == 0.4059
    assert bm25["mono_recall"]["yo"] == 0.7325
    assert len(bm25["mono_ndcg"]) == 18
    assert bm25["mono_ndcg"]["ar"] == 0.4809, "0.4434 is of train"


@pytest.mark.parametrize(
    ("table", "source", "message"),
    [
        (_HEAD, None, "have no citation"),
        (None, _SOURCE, "have no table"),
        (_HEAD, _SOURCE.replace("https:", "javascript:"), "is not a valid citation: url"),
        (_HEAD, _SOURCE + "score = 1\n", "is not a valid citation: score"),
        (_HEAD, "title = ", "is not valid TOML"),
        (_HEAD + "xquad-r\ts\tmultilingual\tde\tAP\tgood\n", _SOURCE, "line 2: invalid figure"),
        (_HEAD + "xquad-r\ts\tmultilingual\t\tAP\t0.5\n", _SOURCE, "line 2: query_language is missing"),
        ("suite\tvalue\nxquad-r\t1\n", _SOURCE, "invalid figure"),
    ],
)
def test_malformed_figures_are_rejected(tmp_path: Path, table: str | None, source: str | None, message: str) -> None:
    for ending, text in (("tsv", table), ("toml", source)):
        if text is not None:
            (tmp_path / f"x.{ending}").write_text(text, encoding="utf-8")
    with pytest.raises(HybridBenchError, match=message):
        read(tmp_path, BOARDS)


def test_duplicate_figures_are_rejected(tmp_path: Path) -> None:
    line = "xquad-r\ts\tmultilingual\tde\tAP\t0.5\n"
    (tmp_path / "x.tsv").write_text(_HEAD + line * 2, encoding="utf-8")
    (tmp_path / "x.toml").write_text(_SOURCE, encoding="utf-8")
    (file,) = read(tmp_path, BOARDS)
    with pytest.raises(HybridBenchError, match=r"duplicate figure of s on xquad-r: multilingual de AP"):
        file.systems(XQUAD_R)
