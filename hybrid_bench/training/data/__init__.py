"""Parallel question-answer pairs: sources, readers, translation, filters."""
