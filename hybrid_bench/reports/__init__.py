"""Results side by side: tables with significance marks, and figures, for papers and pages."""
