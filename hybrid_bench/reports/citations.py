"""What a paper that shows results has to cite."""

from __future__ import annotations

from collections.abc import Sequence

from hybrid_bench.datasets.citations import SOFTWARE, cite, merged
from hybrid_bench.datasets.resolvers import load_suite
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.results.record import Result


def of_results(results: Sequence[Result]) -> str:
    """BibTeX of this software and of every suite that the results are on, each entry once.

    Args:
        results: on any suites.

    Raises:
        HybridBenchError: if a suite is not known here, or states no citation.
    """
    names = dict.fromkeys(row.suite for result in results for row in result.rows)  # without restrictions
    citations = {name: load_suite(name).citation for name in names}
    if missing := [name for name, citation in citations.items() if not citation]:
        raise HybridBenchError(
            f"the suite {missing[0]} states no citation", "Cite its source by hand; suites of plugins state it as Suite.citation."
        )
    return merged([cite(SOFTWARE), *citations.values()]) + "\n"
