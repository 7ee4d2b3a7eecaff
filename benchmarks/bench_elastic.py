"""One elastic checkpoint, cut to eight sizes, against eight models pruned and trained one by one.

The elastic checkpoint is trained by ``recipes/elastic-panx.yaml``: the encoder is fine-tuned, and
then trained in all sizes. The others begin with the same fine-tuned encoder, lose neurons by Taylor
importance and layers by stride, and are trained for as many steps as it was. So it is trained
once, here, and counts for both sides. Each training is a process of its own. Everything is kept in
WORK, and what is there is not done again; a cell that was broken off is begun anew. About an hour
on a quiet core.

python -m benchmarks.bench_elastic WORK               writes results/elastic.json
python -m benchmarks.bench_elastic WORK --cells 1     does the next missing cell only
python -m benchmarks.bench_elastic WORK --set num_random_sizes=2 --split dev     a trial, on dev
"""

import argparse
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.elastic_result import ElasticComparison, ElasticSize
from benchmarks.processes import run_fresh
from benchmarks.provenance import Provenance
from benchmarks.schema import write_result
from benchmarks.strict import ProcessCost
from tinyglot import compare, slice_elastic
from tinyglot.files import read_json, write_json

RECIPE = Path(__file__).parent / "recipes" / "elastic-panx.yaml"
TINYGLOT = (sys.executable, "-c", "from tinyglot.cli.app import main; main()")
#: layers and neurons of a layer
SIZES = (
    (12, 768),
    (9, 1536),
    (9, 1152),
    (9, 768),
    (6, 1536),
    (6, 768),
    (6, 384),
    (4, 384),
)
Content = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """A working directory and the recipe as it is used."""

    work: Path
    recipe: Content
    split: str

    def cells(self) -> Iterator[tuple[str, Content]]:
        """Name every training, with its recipe."""
        fine_tuning, elastic = self.recipe["steps"]
        yield "dense", self._with_steps(str(self.recipe["model"]), [fine_tuning])
        dense = str(self.work / "dense" / "final")
        yield "elastic", self._with_steps(dense, [elastic])
        for layers, ffn in SIZES:
            steps: list[Content] = []
            if ffn < max(elastic["ffn"]):
                steps.append({"method": "ffn_pruning", "ffn_size": ffn})
            if layers < max(elastic["layers"]):
                steps.append({"method": "layer_dropping", "num_layers": layers})
            yield f"separate-{layers}x{ffn}", self._with_steps(dense, [*steps, fine_tuning])

    def _with_steps(self, model: str, steps: list[Content]) -> Content:
        return {**self.recipe, "model": model, "steps": steps}

    def cost(self, cell: str) -> ProcessCost | None:
        """Give what a finished training took."""
        path = self.work / f"{cell}.json"
        return ProcessCost(**read_json(path)) if path.exists() else None

    def train(self, cell: str, recipe: Content) -> None:
        """Train in a process of its own."""
        shutil.rmtree(self.work / cell, ignore_errors=True)
        path = self.work / f"{cell}.yaml"
        path.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
        command: list[str | Path] = [*TINYGLOT, "run", path, "--out", self.work / cell]
        finished = run_fresh(command)
        if finished.returncode:
            raise SystemExit(f"{cell}: {finished.stderr[-4000:]}")
        write_json(self.work / f"{cell}.json", finished.cost.model_dump(mode="json"))
        sys.stderr.write(f"{cell}: {finished.cost.cpu_s:.0f} CPU s\n")

    def size(self, layers: int, ffn: int) -> ElasticSize:
        """Cut, and compare with the model that was made for that size."""
        path = self.work / f"score-{layers}x{ffn}-{self.split_name}.json"
        if not path.exists():
            write_json(path, self._measured(layers, ffn).model_dump(mode="json"))
        return ElasticSize(**read_json(path))

    def slice_of(self, layers: int, ffn: int) -> Path:
        """Where the slice of a size is."""
        return self.work / f"slice-{layers}x{ffn}"

    @property
    def split_name(self) -> str:
        """The split in a form that a file name may have."""
        return self.split.translate(str.maketrans("[:]", "---"))

    def _measured(self, layers: int, ffn: int) -> ElasticSize:
        cell, out = f"separate-{layers}x{ffn}", self.slice_of(layers, ffn)
        shutil.rmtree(out, ignore_errors=True)
        started = time.perf_counter()
        made = slice_elastic(self.work / "elastic" / "final", out=out, layers=layers, ffn=ffn)
        seconds = time.perf_counter() - started
        found = compare(
            self.work / cell / "final",
            out,
            task=self.recipe["task"],
            data=self.recipe["data"],
            languages=self.recipe["languages"],
            split=self.split,
        )
        cost = self.cost(cell)
        if cost is None:
            raise SystemExit(f"{cell} is not trained")
        macro = found.macro_average
        return ElasticSize(
            layers=layers,
            ffn=ffn,
            num_parameters=made.num_parameters,
            num_encoder_parameters=made.num_parameters - made.num_embedding_parameters,
            separate_f1=100 * macro.dense,
            slice_f1=100 * macro.small,
            slice_minus_separate=macro.delta,
            low=macro.low,
            high=macro.high,
            slice_f1_by_language={x.language: 100 * x.small for x in found.languages},
            separate_f1_by_language={x.language: 100 * x.dense for x in found.languages},
            n_by_language={x.language: x.n for x in found.languages},
            separate_training=cost,
            slice_wall_s=seconds,
        )

    def result(self) -> ElasticComparison:
        """Put everything together."""
        sizes = tuple(self.size(*each) for each in SIZES)
        elastic, dense = (self.cost(cell) for cell in ("elastic", "dense"))
        if elastic is None or dense is None:
            raise SystemExit("the elastic or the dense model is not trained")
        separate = [dense, *(size.separate_training for size in sizes)]
        separate_cpu_s = sum(cost.cpu_s for cost in separate)
        fine_tuning, options = self.recipe["steps"]
        return ElasticComparison(
            model=self.recipe["model"],
            data="panx",
            split=self.split,
            languages=tuple(self.recipe["languages"]),
            num_steps=fine_tuning["max_steps"],
            num_elastic_steps=options["max_steps"],
            seed=self.recipe["seed"],
            elastic_options=dict(options),
            elastic_training=elastic,
            dense_training=dense,
            separate_cpu_s=separate_cpu_s,
            share_of_separate_cpu=(dense.cpu_s + elastic.cpu_s) / separate_cpu_s,
            share_of_separate_wall=(dense.wall_s + elastic.wall_s)
            / sum(cost.wall_s for cost in separate),
            num_within_one_point=sum(size.slice_minus_separate >= -1.0 for size in sizes),
            sizes=sizes,
        )


def main() -> None:
    given = _arguments()
    bench = Bench(given.work.absolute(), _recipe(given.set), given.split)
    bench.work.mkdir(parents=True, exist_ok=True)
    missing = [(cell, recipe) for cell, recipe in bench.cells() if bench.cost(cell) is None]
    provenance = Provenance.now()
    for cell, recipe in missing[: given.cells]:
        bench.train(cell, recipe)
    if given.cells is not None and given.cells < len(missing):
        sys.stderr.write(f"{len(missing) - given.cells} trainings are missing\n")
        return
    result = bench.result()
    if bench.split == "test":
        sys.stdout.write(f"{write_result('elastic', provenance, result).name}\n")
    else:
        sys.stdout.write(result.model_dump_json(indent=2) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--cells", type=int, help="trainings to do, at most; default: all")
    parser.add_argument("--set", action="append", default=[], help="OPTION=VALUE, of the elastic")
    parser.add_argument("--split", default="test", help="split to score; not test: a trial")
    return parser.parse_args()


def _recipe(changes: list[str]) -> Content:
    recipe: Content = yaml.safe_load(RECIPE.read_text("utf-8"))
    for change in changes:
        name, _, value = change.partition("=")
        recipe["steps"][-1][name] = yaml.safe_load(value)
    return recipe


if __name__ == "__main__":
    main()
