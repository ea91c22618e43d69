"""Training encoders: parallel question-answering data, hybrid batches, machine translation, the training loop."""
