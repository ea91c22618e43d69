"""Damage to the content of files, for tests of readers."""

from __future__ import annotations

import random

#: What is put into files: separators, marks, and what is special in JSON, Unicode or numbers.
PIECES = [
    b"\x00", b"\t", b"\n", b"\r", b'"', b"\\", b"\\ud83d", b"\\u0000", b"\xef\xbb\xbf", b"\xff", b"\xc3", b"e\xcc\x81", b"{", 
    b"}", b"[" * 3000, b"null", b"true", b"1e999", b"NaN", b"-0", b"9" * 5000, b"\xd9\xa1", b"2147483648", b" ",
    b"\x1c", b"\xe2\x80\xa8", b"-", b"{}", b"\x1b[31m", b"[red]", b"[/]", b"../x", b"_", b"9" * 30,
]  # fmt: skip


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Some bytes exchanged, removed, repeated, or replaced by a piece."""
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(len(content) + 1)
        stop = min(len(content), start + rng.choice([0, 0, 1, 1, 2, 8, 40, 10_000]))
        middle = rng.choice([rng.choice(PIECES), rng.randbytes(2), b"", content[start:stop] * 2, content[: rng.randrange(80)]])
        content = content[:start] + middle + content[stop:]
    return content
