"""Conformance tests: what Hybrid Bench expects of an encoder or of a suite, for plugin authors to subclass.

A test file of a plugin, in full::

    from hybrid_bench.testing import EncoderConformance


    class TestMyEncoder(EncoderConformance):
        name = "my-encoder"

``pytest`` then loads ``my-encoder`` through its entry point and runs every test on it. An encoder that is not installed, or
takes options, is given by a fixture instead::

        @pytest.fixture(scope="class")
        @classmethod
        def encoder(cls) -> Encoder:
            return MyEncoder(device="cpu")

A suite is tested in the same way with :class:`SuiteConformance`. These classes need pytest; nothing else in Hybrid Bench does.
"""

from hybrid_bench.testing.encoder import EncoderConformance
from hybrid_bench.testing.suite import SuiteConformance

__all__ = ["EncoderConformance", "SuiteConformance"]
