"""Labelled tasks at every stage of a recipe: each checkpoint fine-tuned alike, scored, compared."""
