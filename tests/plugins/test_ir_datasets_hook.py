"""The plugin hybrid-bench-ir-datasets in programs that do not import hybrid_bench. Each test runs one in a subprocess."""

from __future__ import annotations

import importlib.metadata
import os
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import ir_datasets
import ir_measures
import pytest

import hybrid_bench

hook = pytest.importorskip("hybrid_bench_ir_datasets")

MIRROR = os.environ.get("HYBRID_BENCH_MIRROR") or str(Path(__file__).parents[3] / "shared" / "mirror")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a new Python process with program text or arguments; keyword arguments are environment variables."""

    def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        arguments = ["-c", *command] if len(command) == 1 else list(command)
        environment = {name: value for name, value in os.environ.items() if name != hook.VARIABLE}
        environment |= {"HYBRID_BENCH_MIRROR": MIRROR, "IR_DATASETS_HOME": str(tmp_path / "home"), "PYTHONUTF8": "1"}
        return subprocess.run(
            [sys.executable, *arguments],
            env=environment | variables,
            capture_output=True,
            encoding="utf-8",
            cwd=tmp_path,  # the current folder may contain a hybrid_bench that would be imported instead
            timeout=120,
            check=False,
        )

    return run


def succeeds(done: subprocess.CompletedProcess[str]) -> str:
    """Standard output of a process that succeeded without warnings."""
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_plain_ir_datasets_loads_our_entries(run: Run) -> None:
    program = "import ir_datasets; d = ir_datasets.load('mini/de/en'); print(next(d.queries_iter()).query_id, d.docs_count())"
    assert succeeds(run(program)) == "bicycles-1 75"


@pytest.mark.parametrize(
    "first",
    [
        "import ir_datasets.util",
        "from ir_datasets import load",
        "import ir_datasets.datasets.base",
        "import importlib; importlib.import_module('ir_datasets.formats')",
        "import hybrid_bench; hybrid_bench.register(); hybrid_bench.register()",
        "import hybrid_bench.datasets.irds_entries as entries; entries.register()",
        "import ir_datasets, importlib; importlib.reload(ir_datasets)",
    ],
)
def test_the_import_order_does_not_matter(run: Run, first: str) -> None:
    assert succeeds(run(f"{first}\nimport ir_datasets; print(ir_datasets.load('mini/de/en').docs_count())")) == "75"


def test_the_command_exports_our_entries(run: Run) -> None:
    queries = succeeds(run("-m", "ir_datasets", "export", "mini/de/en", "queries")).splitlines()
    assert len(queries) == 45
    assert queries[0].startswith("bicycles-1\tHow does the power of a cyclist")


def test_the_console_script_exports_our_entries(run: Run) -> None:
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="ir_datasets")
    argv = "import sys; sys.argv[1:] = ['export', 'mini/de/en', 'qrels']"
    program = f"{argv}; from {script.module} import {script.attr}; {script.attr}()"
    assert len(succeeds(run(program)).splitlines()) == 45


@pytest.mark.skipif("://" not in MIRROR and not Path(MIRROR).is_dir(), reason="needs a mirror of XQuAD")
def test_xquad_r_is_downloaded_through_the_mirror(run: Run) -> None:
    done = run("-m", "ir_datasets", "export", "xquad-r/de/en", "docs", "--fields", "doc_id", "text")
    assert done.returncode == 0, done.stderr
    passages = done.stdout.splitlines()
    assert len(passages) == 1276
    assert passages[0].startswith("de-0000-00\tDie Verteidigung der Panthers")


def test_an_environment_variable_disables_the_hook(run: Run) -> None:
    program = "import sys, ir_datasets; print('mini' in set(ir_datasets.registry), 'hybrid_bench' in sys.modules)"
    assert succeeds(run(program, HYBRID_BENCH_IR_DATASETS="0")) == "False False"
    assert succeeds(run(program, HYBRID_BENCH_IR_DATASETS="1")) == "True True"
    assert succeeds(run(f"import os; os.environ['{hook.VARIABLE}'] = '0'; {program}")) == "False False"


def test_a_start_without_ir_datasets_imports_nothing(run: Run) -> None:
    program = "import sys; print(*sorted({'hybrid_bench_ir_datasets', %s} & set(sys.modules)))"
    heavy = "'ir_datasets', 'ir_measures', 'hybrid_bench', 'numpy', 'pydantic', 'logging', 'importlib.abc'"
    assert succeeds(run(program % heavy)) == "hybrid_bench_ir_datasets"
    # find_spec does not import the module.
    assert succeeds(run("import importlib.util; importlib.util.find_spec('ir_datasets')\n" + program % "'numpy'")) == (
        "hybrid_bench_ir_datasets"
    )


def test_ir_datasets_works_if_hybrid_bench_is_broken(run: Run, tmp_path: Path) -> None:
    package = tmp_path / "first" / "hybrid_bench"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('half\\ninstalled')\n")
    path = os.pathsep.join(filter(None, [str(package.parent), os.environ.get("PYTHONPATH", "")]))
    done = run("import ir_datasets; print(ir_datasets.load('vaswani'))", PYTHONPATH=path)
    assert done.returncode == 0
    assert "vaswani" in done.stdout
    assert done.stderr == (
        "Hybrid Bench datasets are not available in ir_datasets: RuntimeError: half installed "
        "(set HYBRID_BENCH_IR_DATASETS=0 to disable the hook)\n"
    )


def test_ir_datasets_works_if_hybrid_bench_is_missing(run: Run) -> None:
    done = run("import sys; sys.modules['hybrid_bench'] = None; import ir_datasets; print(ir_datasets.load('vaswani'))")
    assert done.returncode == 0
    assert "vaswani" in done.stdout
    assert len(done.stderr.splitlines()) == 1
    assert "ModuleNotFoundError: No module named 'hybrid_bench.plugin'" in done.stderr


@pytest.fixture
def a_run(tmp_path: Path) -> Path:
    """A run of two questions in English on the pool of all languages; it begins with passages in German."""
    file = tmp_path / "run.trec"
    entry = ir_datasets.load("mini/all/en")
    questions = [query.query_id for query in entry.queries_iter()][:2]
    passages = [doc.doc_id for doc in entry.docs_iter()]
    file.write_text("".join(f"{q} Q0 {d} 0 {-at} t\n" for q in questions for at, d in enumerate(passages)))
    return file


BIAS = ("RankDistance", "PEER", "SameLanguage@20", "AP")


def test_the_command_of_ir_measures_knows_the_measures_of_bias(run: Run, a_run: Path) -> None:
    printed = succeeds(run("-m", "ir_measures", "mini/all/en", str(a_run), *BIAS, "--places", "-1"))
    hybrid_bench.register()
    qrels = list(ir_datasets.load("mini/all/en").qrels_iter())
    expected = ir_measures.calc_aggregate(
        [ir_measures.parse_measure(name) for name in BIAS], qrels, ir_measures.read_trec_run(str(a_run))
    )
    found = {name: float(value) for name, value in (line.split("\t") for line in printed.splitlines())}
    assert found == {str(measure): pytest.approx(value, nan_ok=True) for measure, value in expected.items()}
    assert found["RankDistance"] > 10
    (file := a_run.with_name("qrels.trec")).write_text("".join(f"{q} {i} {d} {r}\n" for q, d, r, i in qrels))
    measure = "SameLanguage(dataset='mini/all/en')@20"
    printed = succeeds(run("-m", "ir_measures", str(file), str(a_run), measure, "--places", "-1"))
    assert float(printed.split("\t")[1]) == pytest.approx(found["SameLanguage@20"])


@pytest.mark.parametrize(
    "first",
    [
        "from ir_measures import AP",
        "import ir_measures.providers",
        "import hybrid_bench.measures.provider as provider; provider.register()",
        "import hybrid_bench; hybrid_bench.evaluate",
        "import hybrid_bench; hybrid_bench.register()",
        "import ir_datasets",
        "import ir_measures, importlib; importlib.reload(ir_measures)",
    ],
)
def test_the_measures_are_known_whatever_was_imported_first(run: Run, first: str) -> None:
    program = f"{first}\nimport ir_measures; print(*map(ir_measures.parse_measure, {BIAS}))"
    assert succeeds(run(program)) == " ".join(BIAS)


def test_the_hook_that_is_disabled_registers_no_measure(run: Run, a_run: Path) -> None:
    done = run("-m", "ir_measures", "nowhere.qrels", str(a_run), "RankDistance", HYBRID_BENCH_IR_DATASETS="0")
    assert done.returncode != 0
    program = "import ir_measures; print('RankDistance' in ir_measures.measures.registry)"
    assert succeeds(run(program)) == "True"
    assert succeeds(run(program, HYBRID_BENCH_IR_DATASETS="0")) == "False"


def test_ir_measures_works_if_hybrid_bench_is_missing(run: Run) -> None:
    done = run("import sys; sys.modules['hybrid_bench'] = None; import ir_measures; print(ir_measures.AP)")
    assert (done.returncode, done.stdout.strip()) == (0, "AP")
    assert done.stderr.startswith("Hybrid Bench measures are not available in ir_measures: ModuleNotFoundError: ")
    assert len(done.stderr.splitlines()) == 1


def test_the_package_of_the_authors_of_peer_takes_its_name(run: Run) -> None:
    program = "import ir_measures, peer_measure; print(type(ir_measures.parse_measure('PEER')) is type(peer_measure.PEER))"
    assert succeeds(run(program)) == "True"
    assert succeeds(run(f"import peer_measure; {program}")) == "True"


def test_measures_do_not_wait_for_datasets(run: Run) -> None:
    """ir_datasets takes half a second to import."""
    assert succeeds(run("import sys, ir_measures; print('ir_datasets' in sys.modules)")) == "False"


THREADS = """
import threading
barrier = threading.Barrier(8)
found = []

def load():
    barrier.wait()
    import ir_datasets
    found.append(ir_datasets.load("mini/de/en").docs_count())

def suite():
    barrier.wait()
    import hybrid_bench
    found.append(len(hybrid_bench.load_suite("mini").passages("de")))

threads = [threading.Thread(target=OTHER if number % 4 == 0 else load) for number in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(*found)
"""


@pytest.mark.parametrize("other", ["load", "suite"])
def test_threads_that_import_concurrently_find_our_entries(run: Run, other: str) -> None:
    assert succeeds(run(THREADS.replace("OTHER", other))) == " ".join(["75"] * 8)


def test_the_hook_is_installed_once_and_may_be_installed_late(run: Run) -> None:
    program = """
import sys
import hybrid_bench_ir_datasets as hook
finders = [finder for finder in sys.meta_path if type(finder).__module__ == hook.__name__]
hook.install()
print(len(finders), sum(type(finder).__module__ == hook.__name__ for finder in sys.meta_path))
sys.meta_path.remove(*finders)
import ir_datasets
print("mini" in set(ir_datasets.registry))
hook.install()
print("mini" in set(ir_datasets.registry))
"""
    assert succeeds(run(program)).split() == ["1", "1", "False", "True"]


def test_the_module_keeps_its_loader_and_resources(run: Run) -> None:
    program = """
import importlib.machinery, importlib.resources, inspect, ir_datasets
assert type(ir_datasets.__loader__) is type(ir_datasets.__spec__.loader) is importlib.machinery.SourceFileLoader
assert "registry" in inspect.getsource(ir_datasets)
assert importlib.resources.files("ir_datasets").joinpath("etc", "downloads.json").is_file()
"""
    assert succeeds(run(program)) == ""


@pytest.mark.parametrize("place", ["0", "1", "len(sys.meta_path)"])
def test_it_works_with_other_import_hooks_on_ir_datasets(run: Run, place: str) -> None:
    """For example wrapt's, which calls find_spec again and excludes itself meanwhile."""
    program = f"""
import importlib.util, sys

class Other:
    busy = False

    def find_spec(self, fullname, path=None, target=None):
        if fullname != "ir_datasets" or self.busy:
            return None
        self.busy = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self.busy = False
        run, spec.loader.exec_module = spec.loader.exec_module, lambda module: (run(module), print("other"))
        return spec

sys.meta_path.insert({place}, Other())
import ir_datasets
print(ir_datasets.load("mini/de").docs_count())
"""
    assert succeeds(run(program)).split()[-1] == "75"


def test_both_start_up_files_call_install() -> None:
    files = {file.name: file for file in importlib.metadata.files("hybrid-bench-ir-datasets") or []}
    assert files["hybrid_bench_ir_datasets.pth"].read_text().splitlines() == [
        "import hybrid_bench_ir_datasets; hybrid_bench_ir_datasets.install()"
    ]
    (line,) = files["hybrid_bench_ir_datasets.start"].read_text().splitlines()
    assert pkgutil.resolve_name(line) is hook.install


DOCTOR = "from hybrid_bench_ir_datasets.doctor import examine; print(*[(one.status, one.detail) for one in examine()])"


def test_the_doctor_reports_the_state_of_the_hook(run: Run) -> None:
    assert succeeds(run(DOCTOR)) == "('ok', 'active')"
    assert succeeds(run(DOCTOR, HYBRID_BENCH_IR_DATASETS="0")) == "('missing', 'switched off by HYBRID_BENCH_IR_DATASETS=0')"
    removed = "import sys; sys.meta_path = [finder for finder in sys.meta_path if 'hybrid' not in type(finder).__module__]; "
    assert succeeds(run(removed + DOCTOR)).startswith("('broken', 'Python did not run the start-up file ")
