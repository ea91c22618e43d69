"""Every suite states what to cite, and all of it is valid BibTeX."""

from __future__ import annotations

import pytest
from pybtex.database import BibliographyData, parse_string
from typer.testing import CliRunner

from hybrid_bench import Suite, evaluate
from hybrid_bench.cli.main import app
from hybrid_bench.datasets import citations
from hybrid_bench.datasets.resolvers import SUITES, load_suite
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.reports.citations import of_results
from tests.tiny_encoder import TinyEncoder

OTHERS = ("miracl/sw/dev", "miracl/sw+yo/dev", "beir/nfcorpus/test", "xquad-r/all/en")


def parsed(bibtex: str) -> BibliographyData:
    """Read by pybtex, which raises an error for what is malformed, and for keys that occur twice."""
    return parse_string(bibtex, "bibtex")


@pytest.mark.parametrize("name", [*SUITES, *OTHERS])
def test_every_suite_has_a_valid_citation(name: str) -> None:
    found = parsed(load_suite(name).citation).entries
    assert found
    for key, entry in found.items():
        assert entry.fields["title"], key
        assert entry.persons["author"], key
        assert entry.fields["year"].isdigit(), key


def test_an_entry_is_what_ir_datasets_says() -> None:
    assert list(parsed(load_suite("beir/nfcorpus/test").citation).entries) == ["Boteva2016Nfcorpus", "Thakur2021Beir"]


def test_entries_occur_once() -> None:
    text = citations.merged([citations.XQUAD_R, citations.MLQA_R, citations.XQUAD_R])
    assert list(parsed(text).entries) == ["roy-etal-2020-lareqa", "artetxe-etal-2020-cross", "lewis-etal-2020-mlqa"]


def test_the_command_prints_what_results_are_on(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    result = evaluate(TinyEncoder(), "mini")
    path = result.save("results")
    done = CliRunner().invoke(app, ["report", str(path), "--citations"])
    assert done.exit_code == 0, done.output
    assert done.stdout == of_results([result])
    assert list(parsed(done.stdout).entries) == ["hybrid-bench"]


def test_a_suite_without_citation_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    result = evaluate(TinyEncoder(), "mini")
    bare: Suite = dataclasses.replace(load_suite("mini"), citation="")
    monkeypatch.setattr("hybrid_bench.reports.citations.load_suite", lambda name: bare)
    with pytest.raises(HybridBenchError, match="states no citation"):
        of_results([result])
