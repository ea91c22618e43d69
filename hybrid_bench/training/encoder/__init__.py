"""The base encoder, the trained difference to it, and the encoder folder that training writes."""
