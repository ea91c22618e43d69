"""The site on localhost."""

from __future__ import annotations

import functools
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.leaderboard.build import SITE

_HOST = "127.0.0.1"


class _Quiet(SimpleHTTPRequestHandler):
    """Files of the site, without a line for every request."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


def server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of the site that this machine alone can reach; port 0 takes any that is free.

    Raises:
        HybridBenchError: if there is no site yet, or the port is taken.
    """
    site = folder / SITE
    if not (site / "index.html").is_file():
        raise HybridBenchError(f"there is no site in {folder}", f"Run: hybrid-bench leaderboard build --folder {folder}")
    try:
        return ThreadingHTTPServer((_HOST, port), functools.partial(_Quiet, directory=str(site)))
    except OSError as error:
        raise HybridBenchError(f"cannot serve on port {port}: {error.strerror}", "Name another one with --port.") from error


def address(made: ThreadingHTTPServer) -> str:
    """What to open in a browser."""
    return f"http://{_HOST}:{made.server_address[1]}/"
