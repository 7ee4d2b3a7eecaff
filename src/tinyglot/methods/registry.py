"""Which methods there are: one line each, found by name."""

import difflib
import importlib
from functools import cache

from tinyglot.errors import UnknownMethodError
from tinyglot.methods.contract import Method

METHODS = (
    "vocabulary_trimming",
    "layer_dropping",
    "head_pruning",
    "ffn_pruning",
    "width_reduction",
    "adaptation",
    "distillation",
    "fine_tuning",
    "magnitude_pruning",
    "dynamic_sparsification",
    "l0_pruning",
    "movement_pruning",
)


@cache
def get_method(name: str) -> Method:
    """Find a method by its folder's name.

    Args:
        name: Such as ``vocabulary_trimming``.

    Returns:
        Its config class, plan and apply.

    Raises:
        UnknownMethodError: If there is none; says the nearest.
    """
    if name not in METHODS:
        near = difflib.get_close_matches(name, METHODS, n=1)
        raise UnknownMethodError(
            "Could not find the method.",
            got=name,
            expected=", ".join(METHODS),
            fix=f"did you mean {near[0]!r}?" if near else "see `tinyglot ls methods`",
        )
    method: Method = importlib.import_module(f"tinyglot.methods.{name}").METHOD
    return method


def methods() -> tuple[Method, ...]:
    """List all methods, in the order of the registry.

    Returns:
        Every method.
    """
    return tuple(get_method(name) for name in METHODS)
