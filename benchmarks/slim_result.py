"""What layers that differ cost as a stock model, and how exactly they are loaded and exported."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from benchmarks.strict import Strict


class SlimRow(Strict):
    """One cut, saved slim, loaded by plain transformers, padded to stock, exported.

    Differences are the largest of any value of the last hidden states from those of the cut model:
    ``alone`` by ``AutoModel`` in a process that cannot import tinyglot, ``padded`` of the stock
    model filled up with zeros, and those of the exports on ``num_sequences`` sequences.
    """

    part: Literal["heads", "neurons", "both"]
    num_heads: tuple[int, ...]
    ffn_sizes: tuple[int, ...]
    num_parameters: int
    num_parameters_stock: int
    alone_difference: float
    padded_difference: float
    onnx_difference: float
    openvino_difference: float
    num_sequences: int
    num_tokens: int


class Slim(Strict):
    """Cuts of one model by the same scorer over the whole model, without any training."""

    benchmark: Literal["slim"] = "slim"
    model: str
    num_parameters: int
    scorer: str
    pruning_ratio: float
    openvino: str
    rows: tuple[SlimRow, ...] = Field(min_length=1)


def slim_table(result: Slim) -> Iterator[str]:
    """Show shapes, prices and differences, a row a cut."""
    first = result.rows[0]
    yield (
        f"`{result.model}`, {result.num_parameters / 1e6:.1f} M parameters; "
        f"{result.pruning_ratio:.0%} of the heads, neurons or both removed by {result.scorer} over "
        "the whole model, no training. Largest difference of any hidden state from the cut model: "
        "loaded by `AutoModel` in a process that cannot import tinyglot, padded with zeros to the "
        f"nearest stock shape, and exported (n = {first.num_sequences} sequences, "
        f"{first.num_tokens} tokens; OpenVINO {result.openvino})."
    )
    yield ""
    head = ["removed", "heads by layer", "neurons by layer", "M parameters", "stock: M more"]
    head += ["AutoModel alone", "padded", "ONNX Runtime", "OpenVINO"]
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in result.rows:
        more = row.num_parameters_stock - row.num_parameters
        cells = [
            row.part,
            f"{min(row.num_heads)}–{max(row.num_heads)}",
            f"{min(row.ffn_sizes)}–{max(row.ffn_sizes)}",
            f"{row.num_parameters / 1e6:.2f}",
            f"{more / 1e6:.2f} ({more / row.num_parameters:+.1%})",
            f"{row.alone_difference:g}",
            f"{row.padded_difference:.1e}",
            f"{row.onnx_difference:.1e}",
            f"{row.openvino_difference:.1e}",
        ]
        yield f"| {' | '.join(cells)} |"
