"""The directive ``run``: shell commands that run while the site is built, shown with the output that came.

``````
```{run}
hybrid-bench evaluate me5-small
```
``````

The commands of a page share a folder, which is empty when the page begins. Options:

- ``:because: reason``: the commands cannot run here, and the page says why.
- ``:fails:``: the last command ends with exit status 2, and its message is shown.
- ``:lines: 12``: show this many lines of the output.
- ``:silent:``: show no output.

The commands of every block of the site are parsed, run or not: a command or an option that does not exist fails the build.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from extensions.command_lines import PROGRAM, command_lines, parse

logger = logging.getLogger(__name__)
#: Languages of blocks with commands.
_SHELL = ("sh", "default", "none")
#: Seconds that a block may take; the cold store of vectors has to be filled in some.
_LIMIT = 300


class Run(SphinxDirective):
    """Shell commands and their output."""

    has_content = True
    option_spec: ClassVar[dict[str, Callable[[str], Any]] | None] = {
        "because": directives.unchanged_required,
        "fails": directives.flag,
        "lines": directives.positive_int,
        "silent": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        """The nodes that stand for the directive."""
        script = "\n".join(self.content)
        shown: list[nodes.Node] = [nodes.literal_block(script, script, language="sh")]
        if "because" in self.options:
            note = nodes.paragraph("", f"Not run when this page was made: {self.options['because']}.", classes=["not-run"])
            return [*shown, note]
        output = self._output(script)
        if output and "silent" not in self.options:
            shown.append(nodes.literal_block(output, output, language="text", classes=["output"]))
        return shown

    def _output(self, script: str) -> str:
        folder = Path(self.env.app.outdir).parent / "run" / self.env.docname
        if self.env.temp_data.setdefault("run_folder", "") != str(folder):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            self.env.temp_data["run_folder"] = str(folder)
        environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        # The commands are those of the pages of this documentation.
        done = subprocess.run(  # noqa: S603
            ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_LIMIT,
        )
        expected = 2 if "fails" in self.options else 0
        if done.returncode != expected:
            raise self.error(f"exit status {done.returncode} of\n{script}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        lines = (done.stderr if expected else done.stdout).rstrip().splitlines()
        limit = self.options.get("lines", len(lines))
        return "\n".join([*lines[:limit], *(["..."] if limit < len(lines) else [])])


def _check(app: Sphinx, page: nodes.document) -> None:
    """Parse the commands of a page, and its Python."""
    for block in page.findall(nodes.literal_block):
        if block.get("language") == "python":
            _compile(block)
        if "output" in block["classes"] or block.get("language") not in _SHELL:
            continue
        for words in command_lines(block.astext()):
            try:
                parse(words)
            except Exception as error:
                text = f"{PROGRAM} {' '.join(words)}: {getattr(error, 'message', error)}"
                logger.warning(text, location=block)


def _compile(block: nodes.literal_block) -> None:
    """Warn of a block of Python that is not valid; those of notebooks run besides."""
    try:
        compile(block.astext(), "<block>", "exec")
    except SyntaxError as error:
        logger.warning(f"not valid Python: {error}", location=block)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directive, and parse the commands of every page."""
    app.add_directive("run", Run)
    app.connect("doctree-read", _check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
