"""The suite garden-faq can be searched and scored by Hybrid Bench."""

from hybrid_bench.testing import SuiteConformance


class TestGardenFaq(SuiteConformance):
    """All tests are inherited; add your own below."""

    name = "garden-faq"
