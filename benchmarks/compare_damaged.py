"""`tinyglot compare` on a fine-tuned tagger, on a copy without 95 % of its weights, and on itself.

python -m benchmarks.compare_damaged CHECKPOINT DATA LANGUAGE...     (results/compare-ner.json)

The damage is magnitude pruning without any training after it: the smallest weights of all matrices
of the encoder's layers become 0.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils import prune

from benchmarks.bench_trim import TINYGLOT
from benchmarks.places import PREFIX, working_directory
from benchmarks.processes import run_fresh
from benchmarks.provenance import Provenance
from benchmarks.schema import Comparison, Comparisons, write_result

SPARSITY = 0.95
MAX_DROP = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("data", help="such as ../shared/data/ner/panx")
    parser.add_argument("language", nargs="+")
    options = parser.parse_args()
    provenance = Provenance.now()
    checkpoint = options.checkpoint.absolute()
    with tempfile.TemporaryDirectory() as temporary, working_directory():
        damaged = Path(temporary) / "damaged"
        share = damage(checkpoint, damaged)
        smalls = {"95 % of the weights pruned": damaged, "itself": checkpoint}
        comparisons = [
            comparison(name, checkpoint, small, options.data, options.language)
            for name, small in smalls.items()
        ]
    result = Comparisons(
        model="bundled:multilingual-e5-small, fine-tuned by tasks-ner.yaml",
        data=options.data.removeprefix(PREFIX),
        max_drop_points=MAX_DROP,
        pruned_share=round(share, 6),
        comparisons=tuple(comparisons),
    )
    path = write_result("compare-ner", provenance, result)
    sys.stdout.write(path.read_text(encoding="utf-8"))


def damage(checkpoint: Path, out: Path) -> float:
    """Save a copy without most of its weights; give the share of its matrices that is 0."""
    from tinyglot import load_checkpoint, save_checkpoint
    from tinyglot.architectures import view

    loaded = load_checkpoint(str(checkpoint))
    layers = view(loaded.model).layers
    matrices = [m for layer in layers for m in layer.modules() if isinstance(m, nn.Linear)]
    pairs = [(matrix, "weight") for matrix in matrices]
    prune.global_unstructured(pairs, prune.L1Unstructured, amount=SPARSITY)
    for matrix, name in pairs:
        prune.remove(matrix, name)
    save_checkpoint(loaded.model, loaded.tokenizer, out)
    zeros = sum(int((matrix.weight == 0).sum()) for matrix in matrices)
    return zeros / sum(matrix.weight.numel() for matrix in matrices)


def comparison(name: str, dense: Path, small: Path, data: str, languages: list[str]) -> Comparison:
    chosen = [part for tag in languages for part in ("--language", tag)]
    command = [*TINYGLOT, "compare", str(dense), str(small), "--task", "ner", "--data", data]
    limit = ["--max-drop", str(MAX_DROP), "--json"]
    finished = run_fresh([*command, *chosen, *limit], directory=Path.cwd())
    if finished.returncode not in (0, 1, 3):
        sys.stderr.write(finished.stderr)
        raise SystemExit(finished.returncode)
    return Comparison(small=name, exit_code=finished.returncode, report=json.loads(finished.stdout))


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
