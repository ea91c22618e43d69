"""Studies: comparisons of trainings that differ in one choice."""
