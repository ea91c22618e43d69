"""Batch kinds and strategies: which pairs in which languages make a batch."""
