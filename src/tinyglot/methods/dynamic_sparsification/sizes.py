"""Which sizes are trained, and at which steps the parts of the model are put in order."""

from collections.abc import Sequence

from tinyglot.architectures import EncoderView
from tinyglot.checkpoints.elastic import AXES, Elastic
from tinyglot.errors import NoEffectError, PruningScheduleError, StructureRangeError
from tinyglot.methods.dynamic_sparsification.options import ElasticOptions

_QUARTERS = (4, 3, 2, 1)


def choose_sizes(encoder: EncoderView, options: ElasticOptions) -> Elastic:
    """Fill in the sizes that are not given, and check those that are.

    Args:
        encoder: The view of the model.
        options: Sizes by axis.

    Returns:
        The sizes, the model's own among them; its layers in their present order.

    Raises:
        StructureRangeError: If the model has no such size, or its layers differ.
        NoEffectError: If there is no size but the model's own.
    """
    own = _own_sizes(encoder)
    sizes = {axis: _with_own(getattr(options, axis), own[axis]) for axis in AXES}
    if not (options.layers or options.ffn or options.heads):
        sizes |= {axis: _quarters(own[axis]) for axis in ("layers", "ffn")}
    pinned = len(encoder.pinned_layers)
    wrong = [
        f"{axis}: {size}" for axis in AXES for size in sizes[axis] if not 1 <= size <= own[axis]
    ]
    wrong += [f"layers: {size}" for size in sizes["layers"] if size < pinned]
    wrong += [
        f"heads: {size}, a hidden size equal to that of the narrower embedding, from which an "
        "ordinary model then has no projection"
        for size in sizes["heads"]
        if size * encoder.head_dim == encoder.embedding_size < encoder.hidden_size
    ]
    if wrong:
        raise StructureRangeError(
            "Could not train these sizes: the model does not have them.",
            got=", ".join(wrong),
            expected=", ".join(f"{axis}: at most {own[axis]}" for axis in AXES),
            fix="give sizes up to the model's own"
            + (", another number of heads" if encoder.embedding_size < encoder.hidden_size else ""),
        )
    if all(len(each) == 1 for each in sizes.values()):
        raise NoEffectError(
            "Could not train smaller sizes: there is none but the model's own.",
            got=", ".join(f"{axis}: {own[axis]}" for axis in AXES),
            expected="a smaller size of layers, heads or ffn",
            fix=f"layers: [{own['layers']}, {max(1, own['layers'] // 2)}]",
        )
    return Elastic(
        layers=sizes["layers"],
        heads=sizes["heads"],
        ffn=sizes["ffn"],
        layer_order=tuple(range(own["layers"])),
        head_dim=encoder.head_dim,
    )


def _own_sizes(encoder: EncoderView) -> dict[str, int]:
    own = {"heads": set(encoder.num_heads), "ffn": set(encoder.ffn_sizes)}
    fills = own["heads"] == {encoder.hidden_size // encoder.head_dim}
    if len(own["ffn"]) > 1 or not fills:
        raise StructureRangeError(
            "Could not train smaller sizes inside the model: its layers differ.",
            got=f"heads {', '.join(map(str, encoder.num_heads))}; "
            f"neurons {', '.join(map(str, encoder.ffn_sizes))}",
            expected="layers that are alike, whose heads fill the hidden size",
            fix="begin with the model before it was cut",
        )
    return {"layers": len(encoder.layers), "heads": max(own["heads"]), "ffn": max(own["ffn"])}


def _with_own(sizes: Sequence[int], own: int) -> tuple[int, ...]:
    return tuple(sorted({*sizes, own}, reverse=True))


def _quarters(own: int) -> tuple[int, ...]:
    return _with_own([max(1, own * quarter // 4) for quarter in _QUARTERS], own)


def order_steps(options: ElasticOptions, num_steps: int, stop_step: int | None = None) -> list[int]:
    """Say at which steps the parts of the model are put in order.

    Args:
        options: Where it begins, and how often.
        num_steps: Optimizer steps of the whole training.
        stop_step: Step after which it stops; default: its last one.

    Returns:
        Steps that have been taken before each; the smaller sizes begin at the first.

    Raises:
        PruningScheduleError: If the training is over before the smaller sizes begin.
    """
    start = num_steps // 5 if options.start_step is None else options.start_step
    last = min(num_steps, stop_step or num_steps)
    if start >= last:
        raise PruningScheduleError(
            "Could not train smaller sizes: the training ends before they begin.",
            got=f"start_step {start}",
            expected=f"at most {last - 1}; the training has {last} steps",
            fix="give a smaller start_step, or train longer (num_epochs, max_steps, stop_step)",
        )
    every = options.refresh_steps or num_steps
    return [start, *range(start + every, num_steps // 2 + 1, every)]
