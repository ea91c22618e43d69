"""The server of the site on localhost."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.leaderboard import serving


def test_the_site_is_served_on_localhost_only(site: Path) -> None:
    with serving.server(site.parent, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            address = serving.address(server)
            assert address.startswith("http://127.0.0.1:")
            with urllib.request.urlopen(address) as answer:  # noqa: S310 - our own server
                assert answer.read() == (site / "index.html").read_bytes()
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(f"{address}..%2f..%2fmlqa-r.md")  # noqa: S310
            with pytest.raises(HybridBenchError, match="cannot serve on port"):
                serving.server(site.parent, server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def test_serving_without_a_site_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match="contains no site"):
        serving.server(tmp_path, 0)
