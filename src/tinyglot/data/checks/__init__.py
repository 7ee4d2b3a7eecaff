"""Checks of labelled data: what is in each split, and what is wrong with it."""
