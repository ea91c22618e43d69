"""Hybrid batches: batch kinds, strategies, and samplers that draw the batches."""
