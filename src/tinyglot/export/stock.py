"""A slim checkpoint as an ordinary one: heads and neurons of zeros make its layers alike."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tinyglot.architectures import Shape, nearest_stock_shape
from tinyglot.checkpoints import load_checkpoint, save_checkpoint
from tinyglot.checkpoints.save import probe_inputs, probe_outputs
from tinyglot.errors import NoEffectError, ParityError
from tinyglot.export.sparse import check_no_int8
from tinyglot.export.verify import FLOAT_TOLERANCE
from tinyglot.files import refuse_occupied
from tinyglot.surgery import pad_to_stock


@dataclass(frozen=True)
class PaddedCheckpoint:
    """What filling up with zeros took.

    Attributes:
        num_parameters_before: Of the slim model.
        num_parameters: Of the ordinary one.
        max_difference: Largest difference of any output value between the two.
    """

    num_parameters_before: int
    num_parameters: int
    max_difference: float

    def as_dict(self) -> dict[str, Any]:
        """Give the numbers as JSON values.

        Returns:
            One entry a field.
        """
        return asdict(self)

    def summary(self) -> str:
        """Say the numbers in one line.

        Returns:
            Such as ``stock, 5,935,908 parameters more: max difference 1e-06``.
        """
        more = self.num_parameters - self.num_parameters_before
        return f"stock, {more:,} parameters more: max difference {self.max_difference:.2g}"


def export_stock(
    checkpoint: str | Path, directory: Path, *, int8: bool = False, revision: str | None = None
) -> PaddedCheckpoint:
    """Write a slim checkpoint as an ordinary one that computes the same.

    Args:
        checkpoint: A directory or a hub id.
        directory: Where the ordinary checkpoint goes: new or empty.
        int8: Not for this format.
        revision: Commit of a hub id.

    Returns:
        Parameters before and after, and how far the outputs are apart.

    Raises:
        ExportError: If ``int8`` is asked for.
        RunDirectoryError: If the directory holds something.
        ModelNotFoundError: If there is no such checkpoint.
        NoEffectError: If it is an ordinary checkpoint already.
        ParityError: If the result computes something else.
    """
    check_no_int8("stock", int8=int8)
    refuse_occupied(directory, "export")
    loaded = load_checkpoint(str(checkpoint), revision=revision)
    projection = nearest_stock_shape(loaded.model, Shape.of(loaded.model))
    if projection.is_stock:
        raise NoEffectError(
            "Could not make the checkpoint an ordinary one: it is one already.",
            got=f"{type(loaded.model).__name__} in {checkpoint}",
            expected="a slim checkpoint, whose layers differ",
            fix="use the checkpoint as it is",
        )
    padded = pad_to_stock(loaded.model)
    inputs = probe_inputs(padded)
    before, after = (probe_outputs(each, inputs) for each in (loaded.model, padded))
    difference = float((before - after).abs().max())
    if difference > FLOAT_TOLERANCE:
        raise ParityError(
            "Could not export: filled up with zeros, the model computes something else.",
            got=f"max difference {difference:.3g}",
            expected=f"at most {FLOAT_TOLERANCE:g}",
            fix="report this with the model's config.json; nothing was written",
        )
    save_checkpoint(padded, loaded.tokenizer, directory, source=loaded.source)
    return PaddedCheckpoint(
        projection.num_parameters_requested, projection.num_parameters, difference
    )
