"""Encoders by the library that computes them."""
