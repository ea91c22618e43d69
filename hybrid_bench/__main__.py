"""``python -m hybrid_bench``."""

from hybrid_bench.cli.main import main

main()
