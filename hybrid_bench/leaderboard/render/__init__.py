"""A board as Markdown, LaTeX, CSV, JSON, a plot and a web page."""
