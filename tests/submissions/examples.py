"""Valid submissions on ``mini``, and helpers that modify them."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hybrid_bench import EvaluationOptions, evaluate
from hybrid_bench.submissions import checksums, packing
from hybrid_bench.submissions.format import expected as suite_data
from tests.tiny_encoder import TinyEncoder

CARD = """\
description = "Hashed character n-grams"
training_data = "none: nothing is trained"
hardware = "one processor"
contact = "the authors of these tests"
batch_strategy = "none"
"""
DEPTH = 4


@dataclass(frozen=True)
class Example:
    """A submission with its vectors.

    Attributes:
        root: the folder of ``submissions/``.
        folder: the submission.
        vectors: its vectors file; None for runs.
    """

    root: Path
    folder: Path
    vectors: Path | None

    def copy(self, root: Path) -> Example:
        """Copy it to another folder."""
        folder = root / self.folder.relative_to(self.root)
        shutil.copytree(self.folder, folder)
        if self.vectors is None:
            return Example(root, folder, None)
        shutil.copy(self.vectors, root)
        return Example(root, folder, root / self.vectors.name)

    @property
    def card(self) -> Path:
        return self.folder / "submission.toml"

    @property
    def table(self) -> Path:
        return self.folder / "mini.ranks.tsv.gz"

    def edit(self, change: Callable[[str], str]) -> None:
        """Modify submission.toml and SHA256SUMS."""
        before = self.card.read_text(encoding="utf-8")
        after = change(before)
        assert after != before
        self.card.write_text(after, encoding="utf-8", errors="surrogateescape")
        checksums.seal(self.folder)

    def edit_table(self, change: Callable[[str], str], file: Path | None = None) -> None:
        """Modify the unpacked table (or run), pack it again and update SHA256SUMS."""
        path = file or self.table
        before = gzip.decompress(path.read_bytes()).decode()
        after = change(before)
        assert after != before
        self.replace(path, gzip.compress(after.encode("utf-8", "surrogateescape"), mtime=0))

    def replace(self, path: Path, content: bytes) -> None:
        """Replace the content of a file and update SHA256SUMS."""
        path.write_bytes(content)
        checksums.seal(self.folder)

    def set_vectors(self, content: bytes) -> None:
        """Replace the vectors and their hash in the card."""
        import hashlib

        assert self.vectors is not None
        self.vectors.write_bytes(content)
        lines = self.card.read_text(encoding="utf-8").split("\n")
        at = (
            lines.index('[suites."mini".vectors]') if '[suites."mini".vectors]' in lines else lines.index("[suites.mini.vectors]")
        )
        lines[at + 1 : at + 3] = [f'sha256 = "{hashlib.sha256(content).hexdigest()}"', f"bytes = {max(len(content), 1)}"]
        self.card.write_text("\n".join(lines), encoding="utf-8")
        checksums.seal(self.folder)


def packed(root: Path, dimension: int = 64, org: str = "org", revision: str = "r1") -> Example:
    """A submission of the tiny encoder."""
    root.mkdir(parents=True, exist_ok=True)
    card = root / "card.toml"
    card.write_text(CARD, encoding="utf-8")
    found = packing.pack(
        TinyEncoder(dimension=dimension),
        ["mini"],
        root / "submissions",
        org=org,
        revision=revision,
        card=card,
        vectors_out=root / "vectors",
        store=root / "store",
    )
    assert found.missing == []
    return Example(root, found.folder, found.suites[0].vectors)


def with_runs(root: Path) -> Example:
    """A submission of the tiny encoder's runs, cut at :data:`DEPTH`."""
    data = suite_data.load("mini")
    folder = root / "submissions" / "org__runs" / "r1"
    folder.mkdir(parents=True)
    options = EvaluationOptions(store=root / "store", runs=folder / "mini.runs", depth=DEPTH)
    evaluate(TinyEncoder(dimension=64), data.suite, options=options)
    (folder / "submission.toml").write_text(
        f'format = 1\norg = "org"\nname = "runs"\nrevision = "r1"\n\n[card]\nlicence = "Apache-2.0"\n{CARD}'
        f'\n[suites.mini]\nkind = "runs"\ndepth = {DEPTH}\ndata = {json.dumps(data.digest)}\ntrained_on = "no"\n',
        encoding="utf-8",
    )
    checksums.seal(folder)
    return Example(root, folder, None)
