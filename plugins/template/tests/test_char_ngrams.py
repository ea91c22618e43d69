"""The encoder char-ngrams keeps the protocol of Hybrid Bench."""

from hybrid_bench.testing import EncoderConformance


class TestCharNgrams(EncoderConformance):
    """All tests are inherited; add your own below."""

    name = "char-ngrams"
