"""How an encoder is made: parallel question answering data, hybrid batches, translation, the trainer."""
