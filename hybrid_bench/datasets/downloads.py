"""Files from elsewhere: through the download layer of ir_datasets, checked by hash, from a mirror where one is named."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from urllib.parse import urlsplit

from hybrid_bench.errors import HybridBenchError

MIRROR_VARIABLE = "HYBRID_BENCH_MIRROR"


def fetch(url: str, path: Path, md5: str) -> Path:
    """Make sure that ``path`` holds the file of ``url`` with this hash, downloading it at most once.

    With ``HYBRID_BENCH_MIRROR`` set to a folder or URL laid out as ``<host>/<path>`` of the original address, the file
    comes from there and from nowhere else.

    Raises:
        HybridBenchError: no network, no such file on the mirror, a truncated download, or another hash than expected.
    """
    if not path.exists():
        _download(url, path, md5)
    actual = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    if actual != md5:
        raise HybridBenchError(
            f"{path} does not have the expected hash (md5 {actual}, expected {md5})",
            f"Delete it and run again, or point {MIRROR_VARIABLE} at a good copy.",
        )
    return path


def _download(url: str, path: Path, md5: str) -> None:
    from ir_datasets.util import Download, LocalDownload, RequestsDownload

    mirror = os.environ.get(MIRROR_VARIABLE)
    address = _mirrored(mirror, url) if mirror else url
    remote = "://" in address
    source = RequestsDownload(address) if remote else LocalDownload(Path(address), mkdir=False)
    try:
        Download([source], cache_path=path, expected_md5=md5).path()
    except Exception as error:  # ir_datasets lets through whatever requests, the OS or its hash check raise
        raise HybridBenchError(
            f"cannot get {address}: {_short(error)}",
            f"Point {MIRROR_VARIABLE} at a complete copy of the files."
            if mirror
            else f"Check the network and run again, or point {MIRROR_VARIABLE} at a folder that has "
            f"{_mirrored('', url).lstrip('/')}.",
        ) from error


def _short(error: Exception) -> str:
    """The innermost reason: the network libraries wrap theirs in several lines."""
    reason: BaseException = error
    while reason.__cause__ or reason.__context__:
        reason = reason.__cause__ or reason.__context__ or reason
    return f"{type(error).__name__}: {reason}"


def _mirrored(mirror: str, url: str) -> str:
    parts = urlsplit(url)
    return f"{mirror.rstrip('/')}/{parts.netloc}{parts.path}"
