"""Mechanics that know nothing of retrieval: atomic files, cache, hashing, optional packages, progress, TOML, versions."""
