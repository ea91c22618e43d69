"""The command line: one file a command, which parses, calls and prints."""

from hybrid_bench.cli.main import main

__all__ = ["main"]
