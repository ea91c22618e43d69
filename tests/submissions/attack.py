"""Checks malformed submissions in a process with limited memory and records forbidden operations.

``python -m tests.submissions.attack VALID VALID_RUNS SCRATCH`` prints one JSON line per malformed submission.
"""

from __future__ import annotations

import json
import resource
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

MEMORY = 1 << 30
SECONDS = 10
#: Audit events that no check may cause.
FORBIDDEN = (
    "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "pickle.", "socket.", "shutil.", "os.rename", "os.remove",
    "os.mkdir", "os.chmod", "os.link", "os.symlink", "os.truncate", "ctypes.dlopen", "webbrowser.",
)  # fmt: skip


def main() -> None:
    """See the module docstring."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    from hybrid_bench.leaderboard.build import build
    from hybrid_bench.submissions import checking
    from tests.submissions import malformed
    from tests.submissions.examples import Example

    sources, scratch = [Path(word) for word in sys.argv[1:3]], Path(sys.argv[3])
    valid = [
        Example(source, next(source.glob("submissions/*/*/")), next(source.glob("vectors/*/*/*.safetensors"), None))
        for source in sources
    ]
    watched: list[str] | None = None

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "ctypes.dlopen" and arguments[0] in loaded:
            return  # threadpoolctl opens libraries that are already loaded
        if watched is not None and (
            event.startswith(FORBIDDEN)
            or (event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"))
            or (event == "open" and arguments[1] is None and arguments[2] & 0o3)
        ):
            watched.append(f"{event} {arguments!r:.200}")

    for example in valid:  # warm up imports and compilation
        given = [example.vectors] if example.vectors else []
        assert checking.check(example.folder, vectors=given) == [], checking.check(example.folder, vectors=given)
        build(example.root, store=scratch / "rescored")
    maps = Path("/proc/self/maps")
    loaded = {line.split(maxsplit=5)[-1] for line in maps.read_text().splitlines()} if maps.is_file() else set()
    sys.addaudithook(watch)
    # CPU time excludes other load on the machine.
    signal.signal(signal.SIGPROF, lambda *_: (_ for _ in ()).throw(TimeoutError()))
    for one in malformed.everything():
        root = scratch / "board"
        example = valid[one.runs].copy(root)
        one.change(example)
        given = [example.vectors] if example.vectors else []
        before = _content(root)
        start = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        watched = []
        rejected = ""
        try:
            found = checking.run(example.folder, vectors=given).findings
            if not one.file.endswith(".safetensors"):
                left_out = build(root, store=scratch / "rescored").left_out
                rejected = "\n".join(str(finding) for findings in left_out.values() for finding in findings)
        finally:
            forbidden, watched = watched, None
            signal.setitimer(signal.ITIMER_PROF, 0)
        line = {
            "name": one.name,
            "seconds": time.process_time() - start,
            "errors": [[f.rule, f.file, f.message] for f in found if f.severity == "error"],
            "shown": "\n".join(map(str, found)),
            "rules": sorted(one.rules),
            "file": one.file,
            "rejected": rejected,
            "vectors": one.file.endswith(".safetensors"),
            "changed": _content(root) != before,
            "forbidden": forbidden,
        }
        sys.stdout.write(json.dumps(line) + "\n")
        shutil.rmtree(root)


def _content(root: Path) -> dict[str, tuple[int, int]]:
    """Every file with its size and modification time."""
    return {str(p): (p.lstat().st_size, p.lstat().st_mtime_ns) for p in sorted(root.rglob("*")) if not p.is_dir()}


if __name__ == "__main__":
    main()
