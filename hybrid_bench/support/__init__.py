"""Building blocks independent of retrieval: atomic files, cache, hashing, optional packages, progress, TOML, versions."""
