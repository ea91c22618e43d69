"""WHAT IS SEARCHED: suites, their ir_datasets entries, local collections, and downloads through mirrors."""
