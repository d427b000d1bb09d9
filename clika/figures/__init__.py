"""Plotly figures: pure functions of scores. The only room that knows Plotly."""
