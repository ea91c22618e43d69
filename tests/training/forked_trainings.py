"""Trainings in separate processes, for tests that kill them or train with two processes.

Importing the libraries takes longer than the trainings, so it is done once, and the processes are forked before any thread is
started.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import torch

torch.set_num_threads(1)

from hybrid_bench.plugin import SilentProgress  # noqa: E402
from hybrid_bench.training.loop import trainer  # noqa: E402, F401  # with all that it imports
from hybrid_bench.training.loop.lora import factors  # noqa: E402
from hybrid_bench.training.loop.loss import info_nce  # noqa: E402
from hybrid_bench.training.loop.trainable_model import TrainableModel  # noqa: E402
from hybrid_bench.training.recipe import Recipe  # noqa: E402
from hybrid_bench.training.train import train  # noqa: E402
from tests.training.loop.test_loss import PASSAGES, QUERIES  # noqa: E402
from tests.training.tiny_training import recipe, save_base, save_data  # noqa: E402


def fork(work: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def finish(*children: int) -> None:
    """Wait until all children succeed. If one fails, kill the others: they may wait for it forever."""
    left = set(children)
    while left:
        child, status = os.wait()
        left.remove(child)
        if status:
            for other in left:
                os.kill(other, signal.SIGKILL)
        assert status == 0


def wait_for(step: int, folder: Path, child: int) -> None:
    """Wait until the log of a child's training shows a step."""
    log = folder / "training" / "training.jsonl"
    while not (log.is_file() and f'"step": {step}, "loss"' in log.read_text()):
        assert os.waitpid(child, os.WNOHANG) == (0, 0), "the training ended before it could be killed"
        time.sleep(0.002)


def kill_at(step: int, folder: Path, work: Callable[[], None]) -> None:
    """Send SIGKILL once the log shows a step."""
    child = fork(work)
    wait_for(step, folder, child)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def killed(folder: Path) -> None:
    """Run an uninterrupted training, and one that is killed several times."""
    # Before the first checkpoint, between two, after the last evaluation, and at a random step.
    steps = sorted({2, 7, 12, random.randrange(1, 13)})
    sys.stderr.write(f"killed at the steps {steps}\n")
    chosen = recipe(folder, optimiser__steps=14, dev__patience=0)
    finish(fork(lambda: train(chosen, folder / "uninterrupted") and None))
    out = folder / "killed"
    for step in steps:
        kill_at(step, out, lambda: train(chosen, out) and None)
        assert not (out / "encoder.toml").exists()
    finish(fork(lambda: train(chosen, out) and None))


def together(folder: Path) -> None:
    """Compute the loss and gradients of a batch in one process, and of its halves in two."""
    port = free_port()
    chosen = recipe(folder, weights__dropout=0.0)

    def work(rank: int, world: int) -> None:
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": str(rank), "WORLD_SIZE": str(world)}
        if world > 1:
            torch.distributed.init_process_group("gloo")
        torch.manual_seed(1)
        own = TrainableModel.load(chosen, "cpu")
        torch.manual_seed(2)
        for _, b, _ in factors(own.transformer).values():
            torch.nn.init.normal_(b, std=0.3)
        found = {}
        for cached in (False, True):
            model = own.network.train()
            loss = info_nce(
                model,
                temperature=0.05,
                negatives="all",
                hardness=5.0,
                tokens=64,
                cache_gradients=cached,
                gather=world > 1,
            )
            if world > 1:
                wrapped = torch.nn.parallel.DistributedDataParallel(model)
                for part in (loss, getattr(loss, "loss", loss)):
                    part.model = wrapped
            model.zero_grad()
            half = slice(rank * 2, rank * 2 + 2) if world > 1 else slice(0, 4)
            value = loss([own.tokenize(QUERIES[half], "query"), own.tokenize(PASSAGES[half], "passage")], None)
            value.backward()
            gradients = {
                name: weight.grad.tolist() for name, weight in own.trainable_weights().items() if weight.grad is not None
            }
            found[str(cached)] = {"loss": value.item(), "gradients": gradients}
        (folder / f"{world}-{rank}.json").write_text(json.dumps(found))

    finish(*[fork(lambda rank=rank: work(rank, 2)) for rank in (0, 1)])  # type: ignore[misc]
    finish(fork(lambda: work(0, 1)))


def free_port() -> int:
    """An unused local port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def by_two(chosen: Recipe, out: Path) -> list[int]:
    """Start a training in two processes."""
    port = free_port()

    def work(rank: int) -> None:
        where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "LOCAL_RANK": str(rank)}
        os.environ |= where | {"RANK": str(rank), "WORLD_SIZE": "2"}
        train(chosen, out, device="cpu", progress=MessageFile(out.parent / f"{out.name}-{rank}.txt"))

    return [fork(lambda rank=rank: work(rank)) for rank in (0, 1)]  # type: ignore[misc]


class MessageFile(SilentProgress):
    """Writes the progress messages of a process to a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def say(self, message: str) -> None:
        with self._path.open("a") as file:
            file.write(f"{message}\n")


def shared(folder: Path) -> None:
    """Run trainings in two processes: without dropout, with dropout, and with dropout and a kill."""
    chosen = recipe(folder, optimiser__steps=4, weights__dropout=0.0)
    finish(*by_two(chosen, folder / "by-2"))
    finish(fork(lambda: train(chosen, folder / "by-1", device="cpu") and None))
    dropping = recipe(folder, optimiser__steps=6, compute__checkpoint_every=3, weights__dropout=0.2, dev__questions=0)
    finish(*by_two(dropping, folder / "uninterrupted"))
    children = by_two(dropping, folder / "killed")
    wait_for(5, folder / "killed", children[0])
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    finish(*by_two(dropping, folder / "killed"))


def distilled(folder: Path) -> None:
    """Train with a teacher and hard negatives: uninterrupted, killed, and in two processes."""
    save_base(folder / "base")
    save_data(folder / "data.jsonl", paragraphs=True)
    extra = {"batches__strategy": "hybrid+distilled", "batches__paragraph_negatives": 2, "weights__dropout": 0.1}
    chosen = recipe(folder, optimiser__steps=6, compute__checkpoint_every=2, **extra)
    finish(fork(lambda: train(chosen, folder / "uninterrupted") and None))
    for step in (3, 5):
        kill_at(step, folder / "killed", lambda: train(chosen, folder / "killed") and None)
    finish(fork(lambda: train(chosen, folder / "killed") and None))
    plain = recipe(folder, optimiser__steps=3, **(extra | {"weights__dropout": 0.0, "dev__questions": 0}))
    finish(*by_two(plain, folder / "by-2"))
    finish(fork(lambda: train(plain, folder / "by-1", device="cpu") and None))


if __name__ == "__main__":
    home = Path(sys.argv[1])
    for job in [globals()[name] for name in sys.argv[2:]] or (killed, together, shared, distilled):
        (home / job.__name__).mkdir()
        job(home / job.__name__)
