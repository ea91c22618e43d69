"""Files from elsewhere: through the download layer of ir_datasets, checked by hash, from a mirror where one is named."""

from __future__ import annotations

import base64
import errno
import functools
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from hybrid_bench.errors import HybridBenchError

if TYPE_CHECKING:
    from ir_datasets.util import BaseDownload, Download

MIRROR_VARIABLE = "HYBRID_BENCH_MIRROR"

#: Bytes that are accepted of a file; no source of this project has a tenth of it.
LIMIT = 256 << 20
#: Bytes that are accepted of a file of ir_datasets whose size is not stated.
_LARGEST = 128 << 30


def fetch(url: str, path: Path, md5: str, limit: int = LIMIT) -> Path:
    """Make sure that ``path`` holds the file of ``url`` with this hash, downloading it at most once.

    With ``HYBRID_BENCH_MIRROR`` set to a folder or URL laid out as ``<host>/<path>`` of the original address, the file
    comes from there and from nowhere else.

    Args:
        url: the address of the file.
        path: where it is kept.
        md5: its hash.
        limit: bytes that are accepted.

    Raises:
        HybridBenchError: no network, no such file on the mirror, a truncated or endless download, or another hash than expected.
    """
    from ir_datasets.util import Download, RequestsDownload

    install()
    if not path.exists():
        download = Download([RequestsDownload(url)], cache_path=path, expected_md5=md5)
        download.limit = limit
        download.path()
    actual = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    if actual != md5:
        raise HybridBenchError(
            f"{path} does not have the expected hash (md5 {actual}, expected {md5})",
            f"Delete it and run again, or point {MIRROR_VARIABLE} at a good copy.",
        )
    return path


def install() -> None:
    """Let the downloads of ir_datasets in this process use the mirror, end at a limit, and fail with one clear error.

    ir_datasets has no setting for this, so the method that downloads is wrapped. May be called more than once.
    """
    from ir_datasets.util import Download

    original = Download.path
    if hasattr(original, "__wrapped__"):
        return

    @functools.wraps(original)
    def path(self: Download, force: bool = True) -> Any:
        url = next((source.url for source in self.mirrors if hasattr(source, "url")), "")
        if not force or not url:
            return original(self, force)
        mirror = os.environ.get(MIRROR_VARIABLE, "")
        given, self.mirrors = self.mirrors, _sources(self, mirror)
        try:
            return original(self, force)
        except Exception as error:  # ir_datasets lets through whatever requests, the system or its hash check raise
            raise _explained(error, url, mirror) from error
        finally:
            self.mirrors = given

    Download.path = path


def without_password(text: str) -> str:
    """A text in which the user and password of an address are replaced by ``***``."""
    return re.sub(r"://[^/@\s]+@", "://***@", text)


def _sources(download: Download, mirror: str) -> list[BaseDownload]:
    """Where a download looks, in turn: copies that the user has placed, then the mirror or the publisher."""
    from ir_datasets.util import LocalDownload, RequestsDownload

    hint = download._size_hint
    limit = getattr(download, "limit", None) or (2 * hint + (16 << 20) if hint else _LARGEST)

    class Limited(RequestsDownload):  # type: ignore[misc]
        """A download that ends with an error where the server sends more than the limit."""

        def __iter__(self) -> Iterator[bytes]:
            size = 0
            for data in super().__iter__():
                size += len(data)
                if size > limit:
                    raise ValueError(f"it sends more than {limit} bytes")
                yield data

    class LimitedCopy(LocalDownload):  # type: ignore[misc]
        """A file of a mirror in a folder; not, for example, a device."""

        def path(self, force: bool = True) -> Path:
            found: Path = super().path(force)
            if not found.is_file() or found.stat().st_size > limit:
                raise ValueError(f"it is no file of at most {limit} bytes")
            return found

    found: list[BaseDownload] = []
    for source in download.mirrors:
        if not hasattr(source, "url"):
            found.append(source)
        elif not mirror:
            plain = type(source) is RequestsDownload
            found.append(Limited(source.url, source.tries, source.cookies, source.headers, source.auth) if plain else source)
    if mirror:
        address = _mirrored(mirror, next(source.url for source in download.mirrors if hasattr(source, "url")))
        parts = urlsplit(address)
        if "://" not in address:
            found.append(LimitedCopy(Path(address), mkdir=False))
        else:  # the password goes into a header, so that no message shows it
            user, _, host = parts.netloc.rpartition("@")
            secret = base64.b64encode(unquote(user).encode()).decode()
            headers = {"Authorization": f"Basic {secret}"} if user else None
            found.append(Limited(urlunsplit(parts._replace(netloc=host)), headers=headers))
    return found


def _explained(error: Exception, url: str, mirror: str) -> HybridBenchError:
    """The innermost reason in one line: network libraries wrap theirs in several, ir_datasets lists those of all sources."""
    reason: BaseException = error
    if isinstance(error, RuntimeError) and len(error.args) == 2:
        reason = error.args[1][-1][1]
    while reason.__cause__ or reason.__context__:
        reason = reason.__cause__ or reason.__context__ or reason
    address = without_password(_mirrored(mirror, url) if mirror else url)
    if isinstance(reason, OSError) and reason.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES):
        remedy = "Free disk space, or set IR_DATASETS_HOME to a folder that can be written to."
    elif mirror:
        remedy = f"Point {MIRROR_VARIABLE} at a complete copy of the files."
    else:
        wanted = _mirrored("", url).lstrip("/")
        remedy = f"Check the network and run again, or point {MIRROR_VARIABLE} at a folder that has {wanted}."
    text = without_password(" ".join(str(reason).split()))
    return HybridBenchError(f"cannot get {address}: {type(reason).__name__}: {text}", remedy)


def _mirrored(mirror: str, url: str) -> str:
    """The address on the mirror of a file that is published at an address."""
    parts = urlsplit(url)
    base = mirror if "://" in mirror or not mirror else str(Path(mirror).expanduser())
    return f"{base.rstrip('/')}/{parts.netloc}{parts.path}"
