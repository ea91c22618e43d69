"""Rendering of leaderboards as Markdown, CSV, JSON, LaTeX and HTML."""
