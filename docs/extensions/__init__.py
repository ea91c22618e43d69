"""Sphinx extensions of this documentation: pages made from the code, and commands that run during the build."""
