"""What is written down: one encoder on one suite, long-form scores, ranks of the relevant passages, provenance."""
