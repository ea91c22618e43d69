"""The best passages of collections that do not fit into memory: exact top-k over shards on disk, and FAISS indexes."""
