"""Views of a study's rows: what its tables, figures and observations are made of."""
