"""STORED VECTORS: keys, shards with checksums, the store of small collections and the streamed encoding of large ones."""
