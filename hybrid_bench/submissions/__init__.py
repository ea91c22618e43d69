"""Third-party submissions: their format, validation without running submitted code, and re-scoring."""
