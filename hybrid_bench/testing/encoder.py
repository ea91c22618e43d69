"""The conformance test of an encoder: all tests in one class."""

from __future__ import annotations

from hybrid_bench.testing.identity import IdentityTests
from hybrid_bench.testing.independence import IndependenceTests
from hybrid_bench.testing.inputs import InputTests
from hybrid_bench.testing.meaning import MeaningTests
from hybrid_bench.testing.processes import ProcessTests
from hybrid_bench.testing.vectors import VectorTests


# pytest runs the tests of the last base first: metadata, then the format of vectors, then their content.
class EncoderConformance(MeaningTests, ProcessTests, IndependenceTests, InputTests, VectorTests, IdentityTests):
    """Tests that an encoder follows the protocol :class:`hybrid_bench.Encoder` and matches its card.

    Subclass it as ``class TestMyEncoder(EncoderConformance)`` and set ``name``, or override the fixture ``encoder``.

    Tests run on texts, on generated pictures, or on both, as the card's ``modalities`` say; the others are skipped. Pictures
    need the extra ``hybrid-bench[images]``.

    Attributes:
        name: of the entry point in ``hybrid_bench.encoders``. With the fixture ``encoder`` overridden and no name, the
            tests of the entry point are skipped.
        tolerance: largest distance between two vectors of the same input, as a share of their length. None: by the encoder's
            dtype, see :data:`hybrid_bench.testing.base.TOLERANCES`.
        roles_differ: whether an input has another vector as a query than as a passage. None: if and only if it is a text and
            the card's prefixes differ. Set it to True for an encoder with a tower for each role.
    """
