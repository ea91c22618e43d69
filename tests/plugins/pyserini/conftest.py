"""Fixtures: a cache for these tests, and small collections."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("home")
        patch.setenv("HYBRID_BENCH_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of shared data beside the repository."""
    beside = Path(__file__).resolve().parents[4] / "shared"
    return Path(os.environ.get("HYBRID_BENCH_SHARED", beside))


@pytest.fixture
def collection(tmp_path: Path) -> Callable[..., Path]:
    """Write a collection in BEIR's layout: texts by id, queries by id; passage N is relevant for query N."""

    def write(name: str, passages: dict[str, str], questions: dict[str, str]) -> Path:
        folder = tmp_path / name
        (folder / "qrels").mkdir(parents=True)
        for file, records in (("corpus", passages), ("queries", questions)):
            lines = (json.dumps({"_id": key, "text": text}) for key, text in records.items())
            (folder / f"{file}.jsonl").write_text("\n".join(lines) + "\n")
        pairs = zip(questions, passages, strict=False)
        judged = "".join(f"{query}\t{passage}\t1\n" for query, passage in pairs)
        (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged)
        return folder

    return write
