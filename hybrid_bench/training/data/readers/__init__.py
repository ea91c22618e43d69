"""Readers of training data: SQuAD files, parallel sentences, question translations, JSON lines."""
