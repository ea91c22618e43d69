"""Hybrid batches in the trainer of sentence-transformers and in PyTorch data loaders, also with several processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.training.batches.batches import Batches
from hybrid_bench.training.batches.sampler import StepTexts, multi_dataset_sampler, pair_datasets
from hybrid_bench.training.batches.strategies import CODE_SWITCHED, hybrid
from tests.encoders.models import save_sentence_transformer
from tests.training.tables import mixed_table

BATCHES = Batches(mixed_table(), hybrid(0.5), 8, 0, source_weights={"qa": 2, "news": 1})


def texts(step: int, rank: int = 0, world: int = 1) -> dict[str, list[str]]:
    queries, passages = BATCHES.texts(BATCHES.at(step).slice(rank, world))
    return {"query": queries, "passage": passages}


def test_pytorch_loader_yields_the_batches() -> None:
    from torch.utils.data import ConcatDataset, DataLoader

    views = ConcatDataset(list(pair_datasets(BATCHES).values()))
    loader: Any = DataLoader(views, batch_sampler=multi_dataset_sampler(BATCHES, 12)(views))
    assert [*loader] == [texts(step) for step in range(12)]
    assert len(loader) == 12


def test_step_texts_of_one_process() -> None:
    from torch.utils.data import DataLoader

    found = [*DataLoader(StepTexts(BATCHES, 5, rank=1, world=2), batch_size=None)]
    assert [{key: item[key] for key in ("query", "passage")} for item in found] == [texts(step, 1, 2) for step in range(5)]
    assert found[0]["query_language"] == [pair.query for pair in BATCHES.at(0).pairs[4:]]


@pytest.mark.parametrize("world", [2, 4])
def test_accelerate_gives_every_process_its_part_of_a_step(world: int) -> None:
    from accelerate.data_loader import BatchSamplerShard
    from torch.utils.data import ConcatDataset

    views = ConcatDataset(list(pair_datasets(BATCHES).values()))
    for rank in range(world):
        sampler = multi_dataset_sampler(BATCHES, 6, world)(views)
        shard = BatchSamplerShard(sampler, num_processes=world, process_index=rank, even_batches=False)
        for step, places in enumerate(shard):
            found = [views[place] for place in places]
            assert {key: [item[key] for item in found] for key in ("query", "passage")} == texts(step, rank, world)


def test_second_epoch_continues() -> None:
    from torch.utils.data import ConcatDataset

    views = ConcatDataset(list(pair_datasets(BATCHES).values()))
    sampler = multi_dataset_sampler(BATCHES, 3)(views)
    first = [*sampler]
    sampler.set_epoch(1)
    assert [*first, *sampler] == [*multi_dataset_sampler(BATCHES, 6)(views)]
    assert [*sampler] == [*multi_dataset_sampler(BATCHES, 3, first_step=3)(views)]


@pytest.mark.parametrize("done", [0, 2])
def test_second_epoch_continues_in_every_process_after_a_resume(done: int) -> None:
    """As in the trainer: accelerate's loader with the epoch set, skipping the first batches on a resume."""
    from accelerate.data_loader import prepare_data_loader, skip_first_batches
    from torch.utils.data import ConcatDataset, DataLoader

    for rank in range(2):
        views = ConcatDataset(list(pair_datasets(BATCHES).values()))
        plain: Any = DataLoader(views, batch_sampler=multi_dataset_sampler(BATCHES, 4, world=2)(views))
        loader: Any = prepare_data_loader(plain, num_processes=2, process_index=rank, put_on_device=False, even_batches=False)
        if done:
            loader = skip_first_batches(loader, done)
        loader.set_epoch(1)
        assert [*loader] == [texts(step, rank, 2) for step in range(4 + done, 8)]


def test_other_datasets_are_errors() -> None:
    from torch.utils.data import ConcatDataset

    views = [*pair_datasets(BATCHES).values()]
    with pytest.raises(HybridBenchError, match=r"all of .*, in its order"):
        multi_dataset_sampler(BATCHES, 3)(ConcatDataset(views[1:]))
    with pytest.raises(HybridBenchError, match="a multiple of 3"):
        multi_dataset_sampler(BATCHES, 3, world=3)(ConcatDataset(views))
    with pytest.raises(HybridBenchError, match="Use StepTexts"):
        pair_datasets(Batches(mixed_table(), CODE_SWITCHED, 8, 0))


def test_sentence_transformers_trainer_saves_and_resumes(tmp_path: Path) -> None:
    import torch
    from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    base = save_sentence_transformer(tmp_path / "model")

    def trained(out: Path, checkpoint: str | None = None) -> dict[str, torch.Tensor]:
        model = SentenceTransformer(str(base), device="cpu")
        arguments = SentenceTransformerTrainingArguments(
            str(out),
            max_steps=4,
            per_device_train_batch_size=8,
            multi_dataset_batch_sampler=multi_dataset_sampler(BATCHES, 4),
            report_to=[],
            use_cpu=True,
            save_steps=2,
            disable_tqdm=True,
        )
        loss = MultipleNegativesRankingLoss(model)
        trainer = SentenceTransformerTrainer(model, arguments, train_dataset=pair_datasets(BATCHES), loss=loss)
        trainer.train(resume_from_checkpoint=checkpoint)
        return {name: weight.clone() for name, weight in model.state_dict().items()}

    whole = trained(tmp_path / "whole")
    checkpoint = tmp_path / "whole" / "checkpoint-2"
    assert (checkpoint / "training_args.bin").stat().st_size < 20_000, "no training data in it"
    resumed = trained(tmp_path / "resumed", str(checkpoint))
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_sentence_transformers_trainer_trains(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    model = SentenceTransformer(str(save_sentence_transformer(tmp_path / "model")), device="cpu")
    trainer = SentenceTransformerTrainer(
        model,
        SentenceTransformerTrainingArguments(
            str(tmp_path / "out"),
            max_steps=4,
            per_device_train_batch_size=8,
            multi_dataset_batch_sampler=multi_dataset_sampler(BATCHES, 4),
            report_to=[],
            use_cpu=True,
            save_strategy="no",
            disable_tqdm=True,
        ),
        train_dataset=pair_datasets(BATCHES),
        loss=MultipleNegativesRankingLoss(model),
    )
    drawn: Any = trainer.get_train_dataloader()
    views = drawn.dataset
    found = [[views[place] for place in places] for places in drawn.batch_sampler]
    assert [{key: [item[key] for item in batch] for key in ("query", "passage")} for batch in found] == [*map(texts, range(4))]
    assert trainer.train().global_step == 4
