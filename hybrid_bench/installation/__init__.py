"""Checks of the installation, and registration with ir_datasets and ir_measures."""
