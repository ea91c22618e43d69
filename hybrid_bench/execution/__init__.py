"""WHERE IT RUNS: the Executor protocol and the local executor; executors for clusters are plugins."""
