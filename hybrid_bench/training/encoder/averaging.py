"""Weight averaging: one encoder from several trainings with different seeds (a model soup, arXiv 2203.05482)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support.progress import Progress
from hybrid_bench.training.encoder import difference, encoder_folder
from hybrid_bench.training.encoder.base import Base
from hybrid_bench.training.encoder.published import DATA_FILE, LOG_FILE
from hybrid_bench.training.recipe import Recipe


def average(trained: Sequence[Path], recipe: Recipe, folder: Path, device: str, progress: Progress) -> None:
    """Write the encoder whose difference to the base is the mean of the differences of several trainings.

    Deletes the merged weights of the single trainings, but keeps their differences, recipes and logs.

    Args:
        trained: folders of finished trainings, one per seed, in order.
        recipe: the recipe of all trainings; see :meth:`.Recipe.single`.
        folder: the output folder.
        device: as for :func:`hybrid_bench.load_encoder`.
        progress: notified of what a reduction of the rank loses.

    Raises:
        HybridBenchError: if the trainings had different data.
    """
    manifests = [json.loads((part / DATA_FILE).read_text(encoding="utf-8")) for part in trained]
    if len({manifest["hash"] for manifest in manifests}) > 1:
        raise HybridBenchError(f"the trainings below {folder} had different data", "Delete the outdated ones and train again.")
    chosen = recipe.averaging
    kept = difference.average([part / difference.FILE for part in trained], folder / difference.FILE, chosen.rank)
    if kept < 1:
        progress.say(f"reduced to rank {chosen.rank}, the mean keeps at least {kept:.2%} of the squared norm of every layer")
    logs = [
        json.dumps({"seed": single.seed} | json.loads(line)) + "\n"
        for single, part in zip(recipe.single(), trained, strict=True)
        for line in (part / LOG_FILE).read_text(encoding="utf-8").splitlines()
    ]
    encoder_folder.write(folder, recipe, Base.load(recipe, device), manifests[0], "".join(logs).encode())
    for part in trained:
        (part / difference.WEIGHTS).unlink(missing_ok=True)
