"""Measurements of tinyglot on real models and data; results/ holds what they found."""
