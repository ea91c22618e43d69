"""Parallel question-answer pairs: sources, readers, translation, filters, and the table that holds them."""
