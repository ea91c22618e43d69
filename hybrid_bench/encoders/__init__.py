"""WHO ENCODES: the Encoder protocol, encoder cards, loading, and the transformers and sentence-transformers backends."""
