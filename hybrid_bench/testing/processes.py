"""The same encoder in another process, such as one that resumes a run that was killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.testing.base import EncoderTests, assert_same_vectors, encode
from hybrid_bench.testing.samples import TEXTS

_PROGRAM = """
import json, sys
import numpy as np
from hybrid_bench import load_encoder
name, dtype, device, texts, out = json.loads(sys.stdin.read())
encoder = load_encoder(name, dtype=dtype, device=device)
np.save(out, np.asarray(encoder.encode(texts, "passage")), allow_pickle=False)
print("\\nfingerprint", json.dumps(encoder.fingerprint))
"""


class Elsewhere(NamedTuple):
    """What another process got from the encoder."""

    fingerprint: str
    vectors: np.ndarray  # (TEXTS, dimension) float64


class ProcessTests(EncoderTests):
    """Loaded again by its name, with another seed of Python's ``hash``."""

    @pytest.fixture(scope="class")
    @classmethod
    def elsewhere(cls, encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
        """The encoder as another process sees it; loaded once for all tests."""
        if not cls.name:
            pytest.skip("set `name` to load the encoder in another process")
        out = tmp_path_factory.mktemp("elsewhere") / "vectors.npy"
        # hash() of a text differs between processes unless they share a seed.
        seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
        done = subprocess.run(  # noqa: S603 - this Python, on the program above
            [sys.executable, "-c", _PROGRAM],
            input=json.dumps([cls.name, encoder.dtype, encoder.device, TEXTS, str(out)]),
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"another process cannot load {cls.name!r} and encode with it:\n{done.stderr[-2000:]}"
        fingerprint = str(json.loads(done.stdout.rpartition("\nfingerprint ")[2]))
        return Elsewhere(fingerprint, np.nan_to_num(_load(out)))

    def test_another_process_gives_the_same_fingerprint(self, encoder: Encoder, elsewhere: Elsewhere) -> None:
        """Or a run that was killed begins anew."""
        assert elsewhere.fingerprint == encoder.fingerprint, (
            f"encoder.fingerprint is {encoder.fingerprint!r} here and {elsewhere.fingerprint!r} in another process: "
            "derive it from the weights, not from hash(), id() or the time"
        )

    def test_another_process_gives_the_same_vectors(self, encoder: Encoder, elsewhere: Elsewhere) -> None:
        """Or a run that was killed goes on with vectors that do not fit."""
        assert_same_vectors(
            encode(encoder, TEXTS, "passage"),
            elsewhere.vectors,
            TEXTS,
            self.tolerated(encoder),
            "another process gives other vectors (is there a hash() of text, or a random start?)",
        )


def _load(path: Path) -> np.ndarray:
    vectors: np.ndarray = np.load(path, allow_pickle=False).astype(np.float64)
    return vectors
