"""What README.md says is so: its tables, its commands and its Python code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from extensions.command_lines import command_lines, parse

from hybrid_bench import evaluate
from hybrid_bench.results import tables
from tests.conftest import ROOT

#: Those that Sphinx reads, and those that it makes pages of.
PAGES = ("README.md", "CONTRIBUTING.md", "leaderboards/README.md", "docs/**/*.md", "plugins/*/README.md")
README = (ROOT / "README.md").read_text(encoding="utf-8")
#: Commands of plugins that are tested in an environment of their own, and encoders with options of such a plugin.
ELSEWHERE = {"baseline", "beir", "pyserini"}
ENCODER_ELSEWHERE = "api:"


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[str, ...]]:
    """The words of every ``hybrid-bench`` command of the pages, without comments."""
    files = (path for page in PAGES for path in ROOT.glob(page) if "generated" not in path.parts and "_build" not in path.parts)
    found = {words for path in files for words in command_lines(path.read_text(encoding="utf-8"))}
    return sorted(
        words for words in found if words[0] not in ELSEWHERE and not any(word.startswith(ENCODER_ELSEWHERE) for word in words)
    )


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below the line that begins with a text."""
    lines = README[README.index(heading) :].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("| ---"))
    body = lines[start + 1 :]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in body[: next(n for n, x in enumerate(body) if not x)]
    ]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_has_these_arguments_and_options(words: tuple[str, ...]) -> None:
    parse(words)


def test_there_are_commands_of_every_page() -> None:
    assert len(commands()) > 60


def test_the_first_table_is_what_the_command_prints() -> None:
    """Processors differ in how they round: in the fourth place of AP, and in the first of RankDistance."""
    shown = {encoder: figures for encoder, *figures in rows("It prints for `mini`")}
    found = tables.side_by_side([evaluate(encoder, "mini") for encoder in shown if " " not in encoder])
    assert list(found.index) == list(shown)
    names = [cell.strip() for cell in README[README.index("| encoder | mono AP") :].partition("\n")[0].strip("|").split("|")]
    for encoder, figures in shown.items():
        for figure, name in zip(figures, names[1:], strict=True):
            rounding = 0.3 if name == "RankDistance" else 4e-4
            assert float(figure) == pytest.approx(found.loc[encoder, name], abs=rounding), (encoder, name)


def test_the_python_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("README.md", "python")
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102
    assert (tmp_path / "results/mini+de+en+th/me5-small.json").exists()
