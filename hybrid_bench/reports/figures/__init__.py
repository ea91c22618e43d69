"""Figures of results: one style for reports, studies and the plot of the web page."""
