"""Readers of text and labelled data, and the demo corpora."""
