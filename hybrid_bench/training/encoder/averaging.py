"""The mean of several trainings as an encoder of its own: a model soup (arXiv 2203.05482)."""

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
    """Write the encoder whose difference to the base is the mean of those of trainings of one recipe with different seeds.

    The merged weights of the single trainings are deleted: their differences stay, and so does what is known of them.

    Args:
        trained: folders of finished trainings.
        recipe: that names them all; see :meth:`.Recipe.single`.
        folder: of the encoder.
        device: as for :func:`hybrid_bench.load_encoder`.
        progress: told what a cut to a lower rank leaves.

    Raises:
        HybridBenchError: if the trainings had different data.
    """
    accounts = [json.loads((part / DATA_FILE).read_text(encoding="utf-8")) for part in trained]
    if len({account["hash"] for account in accounts}) > 1:
        raise HybridBenchError(
            f"the trainings below {folder} had different data", "Delete those that are older than the data, and train again."
        )
    chosen = recipe.averaging
    kept = difference.average([part / difference.FILE for part in trained], folder / difference.FILE, chosen.rank)
    if kept < 1:
        progress.say(f"cut to rank {chosen.rank}, the mean keeps {kept:.2%} of its squared length in the layer that loses most")
    logs = [
        json.dumps({"seed": single.seed} | json.loads(line)) + "\n"
        for single, part in zip(recipe.single(), trained, strict=True)
        for line in (part / LOG_FILE).read_text(encoding="utf-8").splitlines()
    ]
    encoder_folder.write(folder, recipe, Base.of(recipe, device), accounts[0], "".join(logs).encode())
    for part in trained:
        (part / difference.WEIGHTS).unlink(missing_ok=True)
