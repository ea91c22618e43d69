"""The LaTeX of reports and commands, compiled by a real TeX: no error, no warning, no line that is too wide."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hybrid_bench import Result, compare, report
from hybrid_bench.results import tables

PAGE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{booktabs}
\begin{document}
%s
\end{document}
"""


def compiled(folder: Path, parts: Sequence[str]) -> str:
    """The log of the second run, in which labels are known."""
    if not shutil.which("pdflatex"):
        pytest.fail("LaTeX is missing: apt-get install texlive-latex-recommended (CONTRIBUTING.md)")
    (folder / "page.tex").write_text(PAGE % "\n\\clearpage\n".join(parts), encoding="utf-8")
    for _ in range(2):
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
            cwd=folder, capture_output=True, text=True, errors="replace", timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:]
    return (folder / "page.log").read_text(encoding="utf-8", errors="replace")


def complaints(log: str) -> list[str]:
    return re.findall(r"^.*(?:Warning|Overfull|Underfull|Missing character).*$", log, re.MULTILINE)


def renamed(result: Result, name: str) -> Result:
    return result.model_copy(update={"encoder": result.encoder | {"name": name, "languages": ["de", "en"]}})


def test_a_warning_would_be_found(tmp_path: Path) -> None:
    assert complaints(compiled(tmp_path, ["\\ref{nowhere} \\hbox to 30cm{x}"]))


@pytest.mark.parametrize("baseline", [None, "tiny-64"])
def test_every_table_of_a_report_compiles_without_a_warning(baseline: str | None, four: list[Result], tmp_path: Path) -> None:
    made = report(four, baseline, by=("setting", "language", "measure"), second=True)
    log = compiled(tmp_path, [made.to_latex()])
    assert complaints(log) == []
    assert "Output written on page.pdf" in log


@pytest.mark.parametrize("name", ["a_b & c%#$~^\\ {x}", "<y> |z|", "org/Größe-é-model", 'say "hi"', "--dashes-- ``q''"])
def test_names_of_any_ascii_and_latin_letters_compile(four: list[Result], tmp_path: Path, name: str) -> None:
    assert complaints(compiled(tmp_path, [report([renamed(four[0], name), four[1]]).to_latex()])) == []


def test_the_other_commands_compile(four: list[Result], tmp_path: Path) -> None:
    frames: list[Any] = [
        tables.by_query_set(four[0]),
        tables.summary(four[0]),
        tables.side_by_side(four),
        four[0].matrix(),
        compare(four[0], four[1]).set_index("setting"),
    ]
    parts = ["{\\small\\noindent " + tables.render(frame, "latex") + "}" for frame in frames]
    assert complaints(compiled(tmp_path, parts)) == []
