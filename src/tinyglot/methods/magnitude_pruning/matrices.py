"""Which matrices of a model count."""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from torch import nn

from tinyglot.errors import UnknownModuleError
from tinyglot.methods.magnitude_pruning.options import PruningOptions, Scope

_LAYER = re.compile(r"(.*?\.?\d+)\.(.+)")


@dataclass(frozen=True, eq=False)
class Matrix:
    """A parameter whose weights may be removed.

    Attributes:
        name: As in ``model.named_parameters()``.
        parameter: The weights.
    """

    name: str
    parameter: nn.Parameter

    def group(self, scope: Scope) -> str:
        """Name the group of matrices in which the smallest weights are looked for.

        Args:
            scope: How large the groups are.

        Returns:
            Such as ``bert.encoder.layer.0`` for the scope ``layer``; what is in no layer makes
            one more group there.
        """
        found = _LAYER.fullmatch(self.name)
        layer = found[1] if found else "outside the layers"
        return {"global": "all", "matrix": self.name, "layer": layer}[scope]


def find_matrices(model: nn.Module, options: PruningOptions) -> tuple[Matrix, ...]:
    """List the matrices that count; one that is tied counts once.

    Args:
        model: Any model; if it has a ``base_model``, that is its encoder.
        options: Patterns, and whether embeddings count.

    Returns:
        Matrices in the order of the model's modules.

    Raises:
        UnknownModuleError: If a pattern matches no linear layer but one whose matrix is an
            embedding's, or there is none at all.
    """
    encoder: nn.Module = getattr(model, "base_model", model)
    inside = {id(module) for module in encoder.modules()}
    embeddings = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    linear = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and id(module.weight) not in embeddings
    ]
    _check_patterns(options.modules, linear)
    found: dict[int, Matrix] = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding):
            counts = options.embeddings == "include" and id(module) in inside
        elif isinstance(module, nn.Linear) and id(module.weight) not in embeddings:
            counts = _matches(name, options.modules) if options.modules else id(module) in inside
        else:
            continue
        if counts:
            found.setdefault(id(module.weight), Matrix(f"{name}.weight", module.weight))
    if not found:
        raise _nothing_to_prune(model)
    return tuple(found.values())


def kind_of(name: str) -> str:
    """Give the part of a parameter's name that is the same in every layer.

    Args:
        name: As in ``model.named_parameters()``.

    Returns:
        Such as ``attention.self.query.weight``; the whole name of what is in no layer.

    Example:
        >>> kind_of("bert.encoder.layer.11.output.dense.weight")
        'output.dense.weight'
    """
    found = _LAYER.fullmatch(name)
    return found[2] if found else name


def groups(matrices: Sequence[Matrix], scope: Scope) -> Iterator[tuple[str, list[Matrix]]]:
    """Put matrices together in which the smallest weights are looked for.

    Args:
        matrices: In their order.
        scope: How large the groups are.

    Yields:
        The group's name and its matrices.
    """
    by_name: dict[str, list[Matrix]] = {}
    for matrix in matrices:
        by_name.setdefault(matrix.group(scope), []).append(matrix)
    yield from by_name.items()


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _check_patterns(patterns: Sequence[str], names: Sequence[str]) -> None:
    wrong = [pattern for pattern in patterns if not any(fnmatchcase(n, pattern) for n in names)]
    if not wrong:
        return
    near = difflib.get_close_matches(wrong[0], names, n=3, cutoff=0.3) or names[:3]
    raise UnknownModuleError(
        f"Could not find modules: {len(wrong)} pattern(s) match no linear layer with a "
        "matrix of its own.",
        got=", ".join(wrong),
        expected=f"names such as {', '.join(near) or 'none: the model has no linear layer'}",
        fix="a pattern is matched with the whole name: begin it with *, as in '*.attention.*'",
    )


def _nothing_to_prune(model: nn.Module) -> UnknownModuleError:
    return UnknownModuleError(
        "Could not prune: no matrix counts.",
        got=f"{type(model).__name__} without a linear layer in its encoder",
        expected="at least one linear layer, or embeddings: include",
        fix="give modules: patterns of names of linear layers",
    )
