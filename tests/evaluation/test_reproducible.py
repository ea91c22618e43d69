"""The commands and options that ``hybrid-bench reproduce`` accepts from a result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from hybrid_bench.cli.main import app
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation import reproducible
from hybrid_bench.registry import Registry


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry[tuple[str, ...]]:
    """A registry with the command ``lexical`` of a plugin."""
    made: Registry[tuple[str, ...]] = Registry("hybrid_bench.reproducible", "reproducible command", tuple)
    made.add("lexical", ("--suite", "--k1", "--out", "--trust-remote-code"))
    monkeypatch.setattr(reproducible, "REGISTRY", made)
    return made


def refused(command: str) -> HybridBenchError:
    with pytest.raises(HybridBenchError) as error:
        reproducible.parse(command)
    return error.value


@pytest.mark.parametrize(
    "command",
    [
        "hybrid-bench evaluate tiny --suite mini --measures 'AP nDCG@10'",
        "hybrid-bench fuse one.json two.runs --suite mini --method rrf",
        "hybrid-bench lexical bm25 --suite mini --k1=0.8",
    ],
)
def test_listed_commands_are_accepted(command: str) -> None:
    words = reproducible.parse(command)
    assert words[0] == command.split()[1]
    assert "'" not in " ".join(words)


@pytest.mark.parametrize(
    "command",
    ["", "rm -rf /", "hybrid-bench", "hybrid-bench train recipe.toml", "hybrid-bench no-such", "hybrid-bench evaluate 'x",
     "python -m hybrid_bench evaluate tiny"],
)  # fmt: skip
def test_other_commands_are_refused(command: str) -> None:
    error = refused(command)
    assert error.problem == f"the command of the result is not reproducible: {command!r}"
    assert error.remedy.startswith("Reproducible commands: evaluate, fuse, ")
    assert ", lexical" in error.remedy


@pytest.mark.parametrize("name", ["evaluate", "fuse", "lexical"])
@pytest.mark.parametrize("option", sorted(reproducible.REFUSED))
@pytest.mark.parametrize("form", ["{} x", "{}=x"])
def test_options_that_load_code_or_name_folders_are_refused_even_if_a_plugin_lists_them(
    name: str, option: str, form: str
) -> None:
    assert option in refused(f"hybrid-bench {name} tiny {form.format(option)}").problem


@pytest.mark.parametrize("option", ["--b", "--b=0.3", "-k", "--", "-1"])
def test_options_that_a_plugin_does_not_list_are_refused(option: str) -> None:
    assert f"the option {option}, which is not accepted from a file" in refused(f"hybrid-bench lexical bm25 {option}").problem


@pytest.mark.parametrize("name", ["evaluate", "search", "fuse"])
def test_every_option_of_the_core_is_accepted_or_refused_or_of_no_effect_on_scores(name: str) -> None:
    """A new option of a command is decided on here: list it in COMMANDS if a result may state it."""
    command: Any = typer.main.get_command(app).get_command(None, name)  # type: ignore[attr-defined]
    options = {option for one in command.params for option in [*one.opts, *one.secondary_opts] if option.startswith("--")}
    accepted = set(reproducible.COMMANDS[name])
    assert accepted <= options
    assert options - accepted <= reproducible.REFUSED | {
        "--format",
        "--check",
        "--run-settings",
        "--overwrite",
        "--dry-run",
        "--help",
    } | {one for one in options if one.startswith("--no-")}


@pytest.mark.parametrize("words", ["--executor ray --address 203.0.113.9:6379", "--address=203.0.113.9:6379", "--workers 2"])
@pytest.mark.parametrize("name", ["evaluate tiny", "search --encoder tiny", "fuse a b", "lexical bm25"])
def test_a_cluster_is_not_accepted_from_a_result(name: str, words: str, registry: Registry[tuple[str, ...]]) -> None:
    registry._added["lexical"] = ("--executor", "--workers", "--address")
    assert words.split()[0].split("=")[0] in refused(f"hybrid-bench {name} {words}").problem


@pytest.mark.parametrize("command", ["evaluate 'ti\x1b[2Jny'", "evaluate tiny --revision '\x9b31m'", "evaluate tiny \x07"])
def test_control_characters_are_refused_and_shown_as_escapes(command: str) -> None:
    error = refused(f"hybrid-bench {command}")
    assert "control characters" in error.problem
    assert error.problem.isprintable()


@pytest.mark.parametrize(
    ("command", "reaching"),
    [
        ("evaluate tiny --suite miracl/yo", []),
        ("evaluate intfloat/multilingual-e5-small --suite mini", ["intfloat/multilingual-e5-small"]),
        ("evaluate tiny --suite https://example.org/x", ["https://example.org/x"]),
        ("evaluate tiny --suite=//host/share", ["//host/share"]),
        ("evaluate '\\\\host\\share'", ["\\\\host\\share"]),
        ("search --suite mini --encoder=org/model", ["org/model"]),
        ("search --suite mini --encoder org/model", ["org/model"]),
        ("fuse results/a.json results/b.json --suite mini", []),
        ("evaluate tests/evaluation --suite mini", []),
    ],
)
def test_words_that_reach_outside_of_the_machine(
    command: str, reaching: list[str], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    assert reproducible.outside(reproducible.parse(f"hybrid-bench {command}")) == reaching


def test_a_plugin_does_not_change_what_the_core_accepts(registry: Registry[tuple[str, ...]]) -> None:
    registry.add("evaluate", ("--suite",))
    assert reproducible.parse("hybrid-bench evaluate tiny --dtype fp32") == ["evaluate", "tiny", "--dtype", "fp32"]


def test_a_plugin_that_lists_its_options_as_one_string_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "careless-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: careless\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hybrid_bench.reproducible]\ncareless = careless:OPTIONS\n")
    (tmp_path / "careless.py").write_text('OPTIONS = "--suite"')
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(reproducible, "REGISTRY", Registry("hybrid_bench.reproducible", "reproducible command", tuple))
    assert "is a str, not a tuple" in refused("hybrid-bench careless --suite mini").problem
