"""How a packed checkpoint is recognised: its file names, its version, and who may not read it."""

from pathlib import Path

from tinyglot.errors import PackedCheckpointError

DENSE_SUFFIX = ".safetensors"
PACKED_SUFFIX = ".packed.safetensors"
MASK, VALUES = ":mask", ":values"
FORMAT, VERSION = "tinyglot-packed", "1"


def is_packed(directory: Path) -> bool:
    """Tell whether a directory holds a packed checkpoint.

    Args:
        directory: Any directory.

    Returns:
        Whether it has ``*.packed.safetensors``.
    """
    return any(directory.glob(f"*{PACKED_SUFFIX}"))


def refuse_packed(directory: Path) -> None:
    """Refuse a packed checkpoint where one is wanted that a model can be loaded from.

    Args:
        directory: A checkpoint.

    Raises:
        PackedCheckpointError: If it is packed.
    """
    if is_packed(directory):
        raise PackedCheckpointError(
            "Could not load the model: the checkpoint is packed.",
            got=f"{directory} with {min(directory.glob(f'*{PACKED_SUFFIX}')).name}",
            expected="a checkpoint with its weights in full",
            fix=f"tinyglot expand {directory} --out {directory}-expanded",
        )
