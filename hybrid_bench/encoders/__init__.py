"""WHO ENCODES: the Encoder protocol, encoder cards, and the transformers and sentence-transformers backends."""
