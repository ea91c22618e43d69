"""WHERE IT RUNS: the Executor protocol, and the executor of this machine; clusters are plugins."""
