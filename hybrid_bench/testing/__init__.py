"""Conformance tests of encoders and suites, for plugin authors to subclass.

A complete test file of a plugin::

    from hybrid_bench.testing import EncoderConformance


    class TestMyEncoder(EncoderConformance):
        name = "my-encoder"

``pytest`` then loads ``my-encoder`` through its entry point and runs every test on it. For an encoder that is not installed, or
needs options, override a fixture::

        @pytest.fixture(scope="class")
        @classmethod
        def encoder(cls) -> Encoder:
            return MyEncoder(device="cpu")

Test a suite in the same way with :class:`SuiteConformance`. Only these classes need pytest, and pictures for encoders of images
need ``hybrid-bench[images]``.
"""

from hybrid_bench.testing.encoder import EncoderConformance
from hybrid_bench.testing.suite import SuiteConformance

__all__ = ["EncoderConformance", "SuiteConformance"]
