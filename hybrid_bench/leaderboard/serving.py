"""HTTP server of the generated site, on localhost."""

from __future__ import annotations

import functools
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.leaderboard.build import SITE

_HOST = "127.0.0.1"


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files without logging requests."""

    def log_message(self, format: str, *args: Any) -> None:
        """Do nothing."""


def server(folder: Path, port: int) -> ThreadingHTTPServer:
    """Create a server that is reachable from this machine only; port 0 selects any free port.

    Raises:
        HybridBenchError: if the site was not built yet, or the port is in use.
    """
    site = folder / SITE
    if not (site / "index.html").is_file():
        raise HybridBenchError(f"{folder} contains no site", f"Run: hybrid-bench leaderboard build --folder {folder}")
    try:
        return ThreadingHTTPServer((_HOST, port), functools.partial(_Quiet, directory=str(site)))
    except OSError as error:
        raise HybridBenchError(f"cannot serve on port {port}: {error.strerror}", "Choose another one with --port.") from error


def address(made: ThreadingHTTPServer) -> str:
    """The URL of a server."""
    return f"http://{_HOST}:{made.server_address[1]}/"
