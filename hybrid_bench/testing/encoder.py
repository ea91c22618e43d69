"""The conformance test of an encoder: all its parts in one class."""

from __future__ import annotations

from hybrid_bench.testing.identity import IdentityTests
from hybrid_bench.testing.independence import IndependenceTests
from hybrid_bench.testing.inputs import InputTests
from hybrid_bench.testing.meaning import MeaningTests
from hybrid_bench.testing.processes import ProcessTests
from hybrid_bench.testing.vectors import VectorTests


# pytest runs the tests of the last base first: what an encoder is, then what its vectors look like, then what they mean.
class EncoderConformance(MeaningTests, ProcessTests, IndependenceTests, InputTests, VectorTests, IdentityTests):
    """Whether an encoder keeps the protocol :class:`hybrid_bench.Encoder` and what its card says.

    Subclass it as ``class TestMyEncoder(EncoderConformance)`` and set ``name``, or override the fixture ``encoder``.

    Attributes:
        name: of the entry point in ``hybrid_bench.encoders``. With the fixture ``encoder`` overridden and no name, the
            tests of the entry point are skipped.
        tolerance: how far apart two vectors of one text may be, as a share of their length. None: by the encoder's dtype,
            see :data:`hybrid_bench.testing.base.TOLERANCES`.
        roles_differ: whether a text has another vector as a query than as a passage. None: if and only if the card has
            other prefixes for them. Set it to True for an encoder with a tower for each.
    """
