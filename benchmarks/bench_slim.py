"""Uneven cuts of the bundled model: their price as a stock model, and how exactly they travel.

No training: the units with the smallest weights go. Needs the extra openvino. About a minute.

python -m benchmarks.bench_slim      writes results/slim.json
"""

import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Literal

import torch
from transformers import PreTrainedModel

from benchmarks.bench_sparse import checked
from benchmarks.processes import run_fresh
from benchmarks.provenance import Provenance
from benchmarks.schema import write_result
from benchmarks.slim_result import Slim, SlimRow
from tinyglot import Checkpoint, load_checkpoint, save_checkpoint
from tinyglot.architectures import Shape, nearest_stock_shape, view
from tinyglot.checkpoints.save import probe_inputs
from tinyglot.export.openvino import export_openvino
from tinyglot.importance import Importance, measure_importance, select_units
from tinyglot.surgery import Structures, count_parameters, keep_structures, pad_to_stock

MODEL, SCORER, PRUNING_RATIO = "bundled:multilingual-e5-small", "magnitude", 0.5
PARTS: tuple[Literal["heads", "neurons", "both"], ...] = ("heads", "neurons", "both")
ALONE = """
import sys
sys.modules["tinyglot"] = None
import torch
from transformers import AutoModel
model = AutoModel.from_pretrained(sys.argv[1], trust_remote_code=True).eval()
with torch.no_grad():
    torch.save(model(**torch.load(sys.argv[2]))[0], sys.argv[3])
"""


def main() -> None:
    provenance = Provenance.now()
    source = load_checkpoint(MODEL)
    importance = measure_importance(source.model, (), SCORER)
    result = Slim(
        model=MODEL,
        num_parameters=count_parameters(source.model).num_parameters,
        scorer=SCORER,
        pruning_ratio=PRUNING_RATIO,
        openvino=metadata.version("openvino"),
        rows=tuple(measured(source, importance, part) for part in PARTS),
    )
    sys.stdout.write(f"{write_result('slim', provenance, result).name}\n")


def measured(
    source: Checkpoint, importance: Importance, part: Literal["heads", "neurons", "both"]
) -> SlimRow:
    cut = keep_structures(source.model, kept(source.model, importance, part))
    projection = nearest_stock_shape(source.model, Shape.of(cut))
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        save_checkpoint(cut, source.tokenizer, work / "slim", source=source.source)
        alone = loaded_alone(cut, work)
        export = export_openvino(cut, source.tokenizer, work / "openvino")
    row = SlimRow(
        part=part,
        num_heads=view(cut).num_heads,
        ffn_sizes=view(cut).ffn_sizes,
        num_parameters=projection.num_parameters_requested,
        num_parameters_stock=projection.num_parameters,
        alone_difference=alone,
        padded_difference=difference(outputs(pad_to_stock(cut)), outputs(cut)),
        onnx_difference=export.max_difference_float,
        openvino_difference=export.max_difference,
        num_sequences=export.num_sentences,
        num_tokens=export.num_tokens,
    )
    sys.stderr.write(f"{row}\n")
    return row


def kept(model: PreTrainedModel, importance: Importance, part: str) -> Structures:
    """The units that stay: the same share of the whole model, whatever that leaves in a layer."""
    units = {"heads": importance.heads, "neurons": importance.neurons}
    chosen = {
        name: select_units(
            scores, round(sum(map(len, scores)) * (1 - PRUNING_RATIO)), uniform=False
        )
        for name, scores in units.items()
        if part in (name, "both")
    }
    return Structures.of(model).keep(**chosen)


def loaded_alone(cut: PreTrainedModel, work: Path) -> float:
    torch.save(probe_inputs(cut), work / "inputs.pt")
    paths = [work / name for name in ("slim", "inputs.pt", "outputs.pt")]
    environment = {"HF_MODULES_CACHE": str(work / "modules")}
    checked(run_fresh([sys.executable, "-c", ALONE, *paths], environment=environment))
    return difference(torch.load(work / "outputs.pt"), outputs(cut))


@torch.no_grad()
def outputs(model: PreTrainedModel) -> torch.Tensor:
    states: torch.Tensor = model.eval()(**probe_inputs(model))[0]
    return states


def difference(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).abs().max())


if __name__ == "__main__":
    main()
