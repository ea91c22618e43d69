"""Reference of the suites: a page for each, from its metadata."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import langcodes

from extensions import suite_counts
from extensions.links import ROOT
from extensions.markdown import code, table
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.leaderboard.published import Figure

_FOLDER = "suites"
_KINDS = {
    "monolingual": "queries on the passages in their own language",
    "cross-lingual": "queries on the passages in one other language",
    "multilingual": "queries on the passages of all languages in one pool",
    "in-domain": "queries on the passages of their own domain",
    "cross-domain": "queries on the passages of one other domain",
    "all-domain": "queries on the passages of all domains in one pool",
    "text-to-image": "texts on images",
    "image-to-text": "images on texts",
}


def pages() -> dict[str, str]:
    """Path of each page, without its suffix, to its Markdown."""
    from hybrid_bench.datasets.resolvers import SUITES

    counts = suite_counts.read()
    suites = {name: SUITES.get(name) for name in SUITES}
    found = {f"{_FOLDER}/{_file(name)}": "\n".join(_page(suite, counts.get(name, []))) for name, suite in suites.items()}
    rows = [
        (f"[`{name}`]({_file(name)}.md)", suite.description, len(suite.languages), suite.licence)
        for name, suite in suites.items()
    ]
    contents = "\n".join(map(_file, suites))
    found[f"{_FOLDER}/index"] = (
        f"# Suites\n\n{table(('suite', 'what', 'languages', 'licence'), rows)}\n"
        "`--suite` also takes any [ir_datasets](https://ir-datasets.com) id, a [folder in BEIR's layout]"
        "(/guides/own-collections.md), and what [plugins](/reference/generated/plugins/index.md) add.\n\n"
        f"```{{toctree}}\n:hidden:\n\n{contents}\n```\n"
    )
    return found


def _file(name: str) -> str:
    return name.replace("/", "-")


def _page(suite: Suite, counts: list[suite_counts.Count]) -> Iterator[str]:
    yield f"# {suite.name}\n\n{suite.description}.\n"
    if suite.note:
        yield f"{suite.note}\n"
    facts = {
        "languages": ", ".join(f"{langcodes.get(tag).display_name()} ({code(tag)})" for tag in suite.languages),
        "main measure": code(suite.primary),
        "measures by default": ", ".join(map(code, suite.measures)),
        "tables by": ", ".join(map(code, suite.slices)),
        "search": "to a depth, as a [large collection](/guides/clusters.md)"
        if suite.large
        else "the whole pool, without a cut-off",
        "licence": suite.licence,
    }
    yield table(("", ""), [(name, fact) for name, fact in facts.items() if fact])
    yield from _settings(suite)
    yield from _counts(counts)
    yield from _how_to_get(suite)
    yield from _published(suite)


def _settings(suite: Suite) -> Iterator[str]:
    kinds = Counter(setting.kind for setting in suite.settings)
    examples = {setting.kind: f"{setting.query_set}:{setting.pool}" for setting in reversed(suite.settings)}
    yield "## Settings\n"
    rows = [(kind, number, _KINDS[kind], code(examples[kind])) for kind, number in kinds.items()]
    yield table(("setting", "how many", "what is searched", "for example"), rows)
    for pool, collections in suite.pools.items():
        yield f"Pool {code(pool)}: {', '.join(map(code, collections))}.\n"


def _counts(counts: list[suite_counts.Count]) -> Iterator[str]:
    if not counts:
        return
    found: dict[str, dict[str, int]] = {
        part: {name: n for of, name, n in counts if of == part} for part in ("queries", "passages")
    }
    names = list(dict.fromkeys(name for of in found.values() for name in of))
    rows: list[tuple[object, ...]] = [
        (code(name), *(f"{of[name]:,}" if name in of else "" for of in found.values())) for name in names
    ]
    rows.append(("all", *(f"{sum(of.values()):,}" for of in found.values())))
    yield "## Counts\n\nQueries that have a relevant passage, and passages.\n"
    yield table(("query set, collection", "queries", "passages"), rows)


def _how_to_get(suite: Suite) -> Iterator[str]:
    yield "## How to get it\n"
    images = "image" in {of.modality for of in suite.collections}
    yield (
        "Captions are downloaded and verified by hash. Images are your own copies: see [images](/guides/images.md).\n"
        if images
        else "Nothing has to be done: what is not part of the package is downloaded at first use and verified by hash.\n"
    )
    yield f"```sh\nhybrid-bench evaluate me5-small --suite {suite.name}\n```\n"
    entries = _entries(suite.name)
    if entries:
        yield f"{len(entries)} entries of ir_datasets, for example {', '.join(map(code, entries[:1] + entries[-1:]))}:\n"
        yield f"```python\nimport hybrid_bench, ir_datasets\n\nhybrid_bench.register()\nir_datasets.load({entries[-1]!r})\n```\n"
    if suite.citation:
        yield f"## Citation\n\n```bibtex\n{suite.citation}\n```\n"


def _entries(name: str) -> list[str]:
    import ir_datasets

    import hybrid_bench

    hybrid_bench.register()
    return sorted(entry for entry in ir_datasets.registry._registered if entry.startswith(f"{name}/"))


def _published(suite: Suite) -> Iterator[str]:
    from hybrid_bench.leaderboard import published, specs

    folder = ROOT / "leaderboards"
    for file in published.read(folder / "published", specs.read(folder / "boards")):
        figures = [one for one in file.figures if one.suite in (suite.name, f"{suite.name}/{one.query_language}/dev")]
        if figures:
            yield f"## Published: {file.source.title}\n\n[{file.source.url}]({file.source.url})\n"
            yield from (f"- {label}: {text}" for label, text in file.source.remarks())
            yield "\n" + _figures(figures)


def _figures(figures: Sequence[Figure]) -> str:
    """A column for each language, or one of the means where the source states them."""
    languages = list(dict.fromkeys(one.query_language for one in figures))
    languages = [name for name in languages if name in ("mean", "median")] or languages
    cells: dict[tuple[str, str, str], dict[str, str]] = {}
    for one in figures:
        cells.setdefault((one.system, one.setting, one.measure), {})[one.query_language] = f"{one.value:g}"
    rows = [(*row, *(found.get(name, "") for name in languages)) for row, found in cells.items() if found.keys() & set(languages)]
    return table(("system", "setting", "measure", *languages), rows)
