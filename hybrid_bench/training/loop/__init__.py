"""The training loop: loss, checkpoints, the development set."""
