"""Exact ranks of the relevant passages in every pool, and full rankings, of collections that fit into memory."""
