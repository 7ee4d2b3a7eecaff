"""Which heads, neurons, layers and hidden channels of a model matter; higher means keep."""

from tinyglot.importance.gates import Gates, gated

__all__ = ["Gates", "gated"]
