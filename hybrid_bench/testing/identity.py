"""An encoder's metadata."""

from __future__ import annotations

import pytest

from hybrid_bench.datasets.images import Input
from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.encoders.load import load_encoder
from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.testing.base import TOLERANCES, EncoderTests

_MEMBERS = ("card", "fingerprint", "dtype", "device", "encode")


class IdentityTests(EncoderTests):
    """The protocol, the card, the name, and the other attributes that results record."""

    def test_it_is_an_encoder(self, encoder: Encoder) -> None:
        """It has every member of the protocol."""
        missing = [member for member in _MEMBERS if not hasattr(encoder, member)]
        assert isinstance(encoder, Encoder), (
            f"{type(encoder).__name__} is not a hybrid_bench.Encoder: it has no {', no '.join(missing)}"
        )

    def test_its_card_is_an_encoder_card(self, encoder: Encoder) -> None:
        """Results and submissions contain the card."""
        assert isinstance(encoder.card, EncoderCard), (
            f"encoder.card is a {type(encoder.card).__name__}: make it a hybrid_bench.EncoderCard, e.g. by EncoderCard.read(path)"
        )

    def test_its_card_has_the_name_of_its_entry_point(self, encoder: Encoder) -> None:
        """A reader of a result loads the encoder by the name in it."""
        if not self.name:
            pytest.skip("set `name` to compare it with the card")
        assert encoder.card.name == self.name, (
            f"the card says name = {encoder.card.name!r}, the entry point is {self.name!r}: give both the same name"
        )

    def test_its_fingerprint_is_a_string(self, encoder: Encoder) -> None:
        """It is part of the key of stored vectors."""
        fingerprint = getattr(encoder, "fingerprint", None)
        assert isinstance(fingerprint, str) and fingerprint.strip(), (
            f"encoder.fingerprint is {fingerprint!r}: make it the revision or a hash of the weights, as a string"
        )

    def test_its_fingerprint_does_not_change(self, encoder: Encoder, inputs: tuple[Input, ...]) -> None:
        """It is the same before and after encoding."""
        before = getattr(encoder, "fingerprint", None)
        encoder.encode(list(inputs[:2]), "query")
        after = getattr(encoder, "fingerprint", None)
        assert before == after, (
            f"encoder.fingerprint was {before!r} and is {after!r} later: derive it from the weights only, "
            "otherwise stored vectors are never found again"
        )

    def test_its_dtype_is_known(self, encoder: Encoder) -> None:
        """It is one of the dtypes of the protocol."""
        assert encoder.dtype in TOLERANCES, f"encoder.dtype is {encoder.dtype!r}: make it one of {', '.join(TOLERANCES)}"

    def test_its_device_is_a_string(self, encoder: Encoder) -> None:
        """Results record it."""
        assert isinstance(encoder.device, str) and encoder.device, (
            f"encoder.device is {encoder.device!r}: make it a string, e.g. 'cpu' or 'cuda'"
        )

    def test_an_unsupported_dtype_is_refused(self) -> None:
        """A requested dtype is used or is an error; it is never replaced by another one."""
        if not self.name:
            pytest.skip("set `name` to load it with options")
        try:
            load_encoder(self.name, dtype="fp13")
        except HybridBenchError:
            return
        except Exception as error:  # third-party code can raise anything
            pytest.fail(f"loading with dtype='fp13' raised {type(error).__name__}: raise hybrid_bench.HybridBenchError")
        pytest.fail("loading with dtype='fp13' succeeded: raise hybrid_bench.HybridBenchError for what the encoder cannot do")
