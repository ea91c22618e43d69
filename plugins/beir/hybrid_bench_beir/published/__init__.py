"""Published figures, each table with a file that states its source."""
