"""Top-k retrieval from collections that do not fit into memory: exact search over shards on disk, and FAISS indexes."""
