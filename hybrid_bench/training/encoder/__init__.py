"""The base encoder, and the encoder folder that training writes."""
