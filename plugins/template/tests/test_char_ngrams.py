"""Conformance of the encoder char-ngrams to Hybrid Bench's encoder protocol."""

from hybrid_bench.testing import EncoderConformance


class TestCharNgrams(EncoderConformance):
    """All tests are inherited. Add your own tests below."""

    name = "char-ngrams"
