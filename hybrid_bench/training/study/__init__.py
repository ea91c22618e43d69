"""Studies: trainings that differ in one choice, compared."""
