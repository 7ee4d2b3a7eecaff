"""Grids of recipes: what is missing is run, and tables and figures come from the rows."""
