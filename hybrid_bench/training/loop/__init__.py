"""The training loop: model, loss, trainer, checkpoints, development set."""
