"""The same encoder in another process, such as one that resumes an interrupted run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from hybrid_bench.datasets.images import Image, Input
from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.testing.base import EncoderTests, assert_same_vectors, encode

_PROGRAM = """
import json, sys
import numpy as np
from hybrid_bench import Image, load_encoder
name, dtype, device, texts, images, out = json.loads(sys.stdin.read())
encoder = load_encoder(name, dtype=dtype, device=device)
inputs = texts or [Image.from_path(path) for path in images]
np.save(out, np.asarray(encoder.encode(inputs, "passage")), allow_pickle=False)
print("\\nfingerprint", json.dumps(encoder.fingerprint))
"""


class OtherProcess(NamedTuple):
    """What another process got from the encoder."""

    fingerprint: str
    vectors: np.ndarray  # (inputs, dimension) float64


class ProcessTests(EncoderTests):
    """The encoder is loaded again by name, with another seed of Python's ``hash``."""

    @pytest.fixture(scope="class")
    @classmethod
    def other_process(cls, encoder: Encoder, inputs: tuple[Input, ...], tmp_path_factory: pytest.TempPathFactory) -> OtherProcess:
        """The encoder's output in another process; started once per modality."""
        if not cls.name:
            pytest.skip("set `name` to load the encoder in another process")
        folder = tmp_path_factory.mktemp("other-process")
        out = folder / "vectors.npy"
        texts = [item for item in inputs if isinstance(item, str)]
        images = [_written(item, folder / str(number)) for number, item in enumerate(inputs) if isinstance(item, Image)]
        # hash() of a text differs between processes unless they share a seed.
        seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
        done = subprocess.run(  # noqa: S603 - this Python, on the program above
            [sys.executable, "-c", _PROGRAM],
            input=json.dumps([cls.name, encoder.dtype, encoder.device, texts, images, str(out)]),
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"another process cannot load {cls.name!r} and encode with it:\n{done.stderr[-2000:]}"
        fingerprint = str(json.loads(done.stdout.rpartition("\nfingerprint ")[2]))
        return OtherProcess(fingerprint, np.nan_to_num(_load(out)))

    def test_another_process_gives_the_same_fingerprint(self, encoder: Encoder, other_process: OtherProcess) -> None:
        """Otherwise an interrupted run starts from the beginning."""
        assert other_process.fingerprint == encoder.fingerprint, (
            f"encoder.fingerprint is {encoder.fingerprint!r} here and {other_process.fingerprint!r} in another process: "
            "derive it from the weights, not from hash(), id() or the time"
        )

    def test_another_process_gives_the_same_vectors(
        self, encoder: Encoder, inputs: tuple[Input, ...], other_process: OtherProcess
    ) -> None:
        """Otherwise an interrupted run resumes with incompatible vectors."""
        assert_same_vectors(
            encode(encoder, inputs, "passage"),
            other_process.vectors,
            inputs,
            self.tolerated(encoder),
            "another process gives other vectors (is there a hash() of text, or a random initialisation?)",
        )


def _written(image: Image, path: Path) -> str:
    path.write_bytes(image.read())
    return str(path)


def _load(path: Path) -> np.ndarray:
    vectors: np.ndarray = np.load(path, allow_pickle=False).astype(np.float64)
    return vectors
