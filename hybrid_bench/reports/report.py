"""Several results on one suite as tables and figures for a paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.evaluation.compare import check_comparable
from hybrid_bench.reports import formats, slices
from hybrid_bench.reports.columns import VIEWS, plans
from hybrid_bench.reports.comparisons import Test
from hybrid_bench.reports.observations import Observations
from hybrid_bench.reports.table import Table, make
from hybrid_bench.results.record import Result
from hybrid_bench.results.stated_languages import left_out
from hybrid_bench.support import atomic


@dataclass(frozen=True)
class Report:
    """Results on one suite side by side.

    Attributes:
        tables: in the order of the views.
        observations: the results and their values.
        names: of the results, as the tables show them.
        baseline: index of the result that the others are compared with; None if all pairs are.
        second: whether the second best values are underlined.
    """

    tables: tuple[Table, ...]
    observations: Observations
    names: tuple[str, ...]
    baseline: int | None = None
    second: bool = False

    def to_markdown(self) -> str:
        """All tables as Markdown."""
        return "\n".join(formats.markdown(table, second=self.second) for table in self.tables)

    def to_latex(self) -> str:
        r"""All tables as LaTeX; needs ``\usepackage{booktabs}``."""
        return "\n".join(formats.latex(table, second=self.second) for table in self.tables)

    def to_html(self) -> str:
        """All tables as HTML."""
        return "\n".join(formats.html(table, second=self.second) for table in self.tables)

    def to_csv(self) -> str:
        """All values in long form."""
        return formats.csv(self.tables)

    def to_json(self) -> str:
        """All values and tests."""
        return formats.to_json(self.tables)

    def _repr_html_(self) -> str:
        return self.to_html()

    def save(self, folder: Path | str, style: str = "latex") -> list[Path]:
        """Write one file a table, named by suite and table, or one for all as CSV or JSON.

        Args:
            folder: for the files.
            style: one of :data:`FILES`.

        Returns:
            Their paths.
        """
        if style not in FILES:
            raise UnknownNameError("format", style, FILES)
        ending, render = FILES[style]
        if style in ("csv", "json"):
            contents = {f"{self.observations.results[0].suite.replace('/', '-')}.{ending}": render(self)}
        else:
            contents = {f"{table.label}.{ending}": render(self.only(table)) for table in self.tables}
        Path(folder).mkdir(parents=True, exist_ok=True)
        for name, text in contents.items():
            atomic.write(Path(folder) / name, text.encode())
        return [Path(folder) / name for name in contents]

    def figures(self, folder: Path | str, alphas: Mapping[str, float] | None = None) -> list[Path]:
        """Draw every figure that the results have the values for, as SVG, PDF and PNG.

        A heat map of query sets by pools for each result; RankDistance by query language; quality against language bias;
        differences to the baseline by query language, with intervals; curves by ``alphas``.

        Args:
            folder: for the files.
            alphas: name of a result to the share of monolingual batches that its encoder was trained with.

        Returns:
            Their paths.

        Raises:
            HybridBenchError: if matplotlib is not installed, or a name is not of a result.
        """
        from hybrid_bench.reports.figures import of_report, style

        for name in alphas or {}:
            if name not in self.names:
                raise UnknownNameError("encoder", name, self.names)
        Path(folder).mkdir(parents=True, exist_ok=True)
        paths = []
        suite = self.observations.results[0].suite.replace("/", "-")
        for name, title, figure in of_report.figures(self.observations, self.names, self.baseline, alphas):
            for ending in style.ENDINGS:
                paths.append(Path(folder) / f"{suite}-{name}.{ending}")
                atomic.write(paths[-1], style.content(figure, ending, title))
        return paths

    def only(self, table: Table) -> Report:
        """The report of one of its tables."""
        return Report((table,), self.observations, self.names, self.baseline, self.second)


#: Format to the ending of its files and how it is made.
FILES: Mapping[str, tuple[str, Callable[[Report], str]]] = {
    "markdown": ("md", Report.to_markdown),
    "latex": ("tex", Report.to_latex),
    "html": ("html", Report.to_html),
    "csv": ("csv", Report.to_csv),
    "json": ("json", Report.to_json),
}


def report(
    results: Sequence[Result | Path | str],
    baseline: Result | str | None = None,
    *,
    by: Sequence[str] = ("setting",),
    test: Test = "t",
    level: float = 0.05,
    second: bool = False,
) -> Report:
    """Put results on one suite side by side, with paired significance tests corrected by Holm in each table.

    Args:
        results: two or more, or the paths of their files.
        baseline: one of the results, or its name: the others are compared with it, and it is the first row. By default all
            pairs are compared.
        by: views of :data:`hybrid_bench.reports.columns.VIEWS`: ``setting``, ``language``, ``measure``; and properties of the
            suite's questions, such as ``topic`` (:attr:`Suite.slices`).
        test: ``t`` for the paired t-test, ``randomisation`` for the paired randomisation test.
        level: of significance.
        second: whether the second best values are underlined.

    Returns:
        The report; ``to_latex()``, ``to_markdown()``, ``to_html()``, ``to_csv()``, ``to_json()``, ``figures()``.

    Raises:
        HybridBenchError: if the results are not comparable, the baseline is not one of them, or an option is unknown.
    """
    if test not in ("t", "randomisation"):
        raise UnknownNameError("test", test, ("t", "randomisation"))
    if not 0 < level < 1:
        raise HybridBenchError(f"a level of significance is between 0 and 1, not {level:g}", "Give .05, for example.")
    read = [one if isinstance(one, Result) else Result.read(one) for one in results]
    if not read:
        raise HybridBenchError("a report needs at least one result", "Give the files of results.")
    for other in read[1:]:
        _check_reportable(read[0], other)
    first = None if baseline is None else _index(read, baseline)
    if first is not None:
        read = [read[first], *read[:first], *read[first + 1 :]]
    names = _names(read)
    of = Observations(read)
    at = None if first is None else 0
    views = VIEWS if set(by) <= VIEWS.keys() else VIEWS | slices.views(read[0])
    notes = _notes(read, names)
    tables = [make(plan, of, names, baseline=at, test=test, level=level, notes=notes) for plan in plans(read, by, views)]
    return Report(tuple(tables), of, tuple(names), at, second)


def _check_reportable(a: Result, b: Result) -> None:
    """Raise HybridBenchError if two results do not belong into one table."""
    check_comparable(a, b)
    sides = (a.provenance, b.provenance)
    for what, found in (
        ("passage text", [side.passage_text for side in sides]),
        ("depth", [f"{side.depth} passages" if side.depth else "the whole pool" for side in sides]),
    ):
        if found[0] != found[1]:
            raise HybridBenchError(
                f"{a.name} and {b.name} differ in {what}: {found[0]} and {found[1]}",
                "Report them apart, or evaluate both in the same way; `hybrid-bench compare` shows what differs between two.",
            )


def _index(results: Sequence[Result], baseline: Result | str) -> int:
    """The place of the baseline: a result, or the name or file name of one."""
    if isinstance(baseline, Result):
        found = [at for at, result in enumerate(results) if result is baseline or result == baseline]
        name = baseline.name
    else:
        name = baseline
        found = [at for at, result in enumerate(results) if baseline in (result.name, result.stem, str(result.path))]
    if not found:
        raise UnknownNameError("baseline", name, {result.name for result in results}, "Give its result, too.")
    if len(found) > 1:
        stems = " or ".join(results[at].stem for at in found)
        raise HybridBenchError(f"{len(found)} results are of {name}", f"Name the baseline by its file: {stems}.")
    return found[0]


def _names(results: Sequence[Result]) -> list[str]:
    """The names of rows: with the dtype if not all was computed in fp32, and ``*`` if a card leaves languages out."""
    plain = [result.name for result in results]
    names = []
    several = {result.provenance.dtype for result in results} != {"fp32"}
    for result in results:
        name = result.name
        if several:
            name += f" ({result.provenance.dtype})"
        names.append(name)
    for at, name in enumerate(names):
        if names.count(name) > 1 or (plain.count(plain[at]) > 1 and not several):
            names[at] = results[at].stem
    if len(set(names)) < len(names):
        raise HybridBenchError("two of the results have the same name and the same file name", "Give each result once.")
    return [name + ("*" if left_out(result) else "") for name, result in zip(names, results, strict=True)]


def _notes(results: Sequence[Result], names: Sequence[str]) -> list[str]:
    notes = []
    by_languages: dict[str, list[str]] = {}
    for result, name in zip(results, names, strict=True):
        if missing := left_out(result):
            by_languages.setdefault(", ".join(missing), []).append(name)
    for languages, found in by_languages.items():
        notes.append(f"* The card of {' and '.join(name.removesuffix('*') for name in found)} does not list {languages}.")
    if untested := [name for result, name in zip(results, names, strict=True) if not result.has_ranks and len(results) > 1]:
        notes.append(f"Not tested, for their results have no ranks of single questions: {', '.join(untested)}.")
    return notes
