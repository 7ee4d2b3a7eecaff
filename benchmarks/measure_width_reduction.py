"""What each basis of width reduction leaves of the bundled encoder before any training.

The last hidden states of unseen lines, against those before the cut: see
``width_reduction_result``. Writes results/width-reduction-e5-small.json. About 6 minutes on one
core.

python -m benchmarks.measure_width_reduction
"""

import functools
import importlib
import json
import sys
from collections.abc import Iterator

import torch
from scipy.stats import spearmanr
from torch import Tensor
from transformers import AutoModel, AutoTokenizer

from benchmarks.places import data_directory
from benchmarks.provenance import Provenance
from benchmarks.schema import write_result
from benchmarks.width_reduction_result import WidthReduction, WidthReductionRow
from tinyglot import bundled_path
from tinyglot.data.text import sample_lines
from tinyglot.data.text_portions import TextPortion
from tinyglot.methods.contract import Context
from tinyglot.methods.registry import get_method
from tinyglot.methods.width_reduction import METHOD, WidthReductionConfig
from tinyglot.surgery import count_parameters

PLANNING, APPLYING = (
    importlib.import_module(f"tinyglot.methods.width_reduction.{name}")
    for name in ("plan", "apply")
)
MODEL = "multilingual-e5-small"
FOLDERS = {"swh-Latn": "sw"}
VOCABULARY_SIZE, NUM_LINES, MAX_LENGTH = 20_000, 200, 64
CUTS = {
    "truncation": {"basis": "truncation"},
    "truncation, heads in order": {"basis": "truncation", "reorder_heads": True},
    "svd": {"basis": "svd"},
    "importance, projected": {"basis": "importance", "reconstruct": False},
    "importance": {"basis": "importance"},
    "pca, projected": {"basis": "pca", "reconstruct": False},
    "pca": {"basis": "pca"},
}
# 9 whole heads of 32; 12 heads narrowed to 19
WIDTHS = {288: tuple(CUTS), 228: ("truncation", "importance", "pca")}


def main() -> None:
    torch.set_num_threads(1)
    provenance = Provenance.now()
    measured = {tag: Language(tag) for tag in FOLDERS}
    rows = tuple(row for tag in FOLDERS for row in measured[tag].rows())
    result = WidthReduction(
        model=MODEL,
        vocabulary_size=VOCABULARY_SIZE,
        num_parameters={tag: each.num_parameters for tag, each in measured.items()},
        num_lines=NUM_LINES,
        num_tokens={tag: len(each.before[0]) for tag, each in measured.items()},
        num_calibration_tokens={tag: each.num_calibration_tokens for tag, each in measured.items()},
        rows=rows,
    )
    write_result("width-reduction-e5-small", provenance, result)


class Language:
    """The encoder trimmed to one language, and its states on unseen lines."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        paths = (data_directory() / "text" / FOLDERS[tag],)
        self.context = Context(languages=(tag,), text={tag: paths})
        self.pair = trimmed(self.context)
        self.num_parameters = count_parameters(self.pair[0]).num_parameters
        lines = sample_lines(TextPortion(paths, "test"), NUM_LINES, 0)
        self.batches = list(batches(self.pair[1], lines))
        self.before = states(self.pair[0], self.batches)
        self.num_calibration_tokens = 0

    def rows(self) -> Iterator[WidthReductionRow]:
        """Cut, at every width; what several cuts measure alike is measured once."""
        PLANNING.measure_importance = once(PLANNING.measure_importance, 2)
        for module in (PLANNING, APPLYING):
            module.stream_moments = once(module.stream_moments)
        APPLYING.record = once(APPLYING.record)
        for hidden_size, cuts in WIDTHS.items():
            for name in cuts:
                row = self.row(hidden_size, name)
                print(json.dumps(row.model_dump()), file=sys.stderr, flush=True)
                yield row

    def row(self, hidden_size: int, name: str) -> WidthReductionRow:
        config = WidthReductionConfig(hidden_size=hidden_size, **CUTS[name])
        plan = METHOD.plan(*self.pair, config, self.context)
        model, _ = METHOD.apply(*self.pair, plan, self.context)
        self.num_calibration_tokens = max(self.num_calibration_tokens, plan.num_tokens)
        tokens, sentences = states(model, self.batches)
        correlation = spearmanr(cosines(sentences), cosines(self.before[1]))[0]
        return WidthReductionRow(
            language=self.tag,
            hidden_size=hidden_size,
            heads=plan.heads,
            basis=name,
            num_parameters=plan.num_parameters_after,
            explained_variance=plan.explained_variance,
            state_error=round(state_error(tokens, self.before[0]), 4),
            similarity=round(float(correlation), 4),
        )


def once(measure, num_scorers: int = 1):
    """Keep the first result for each scorer: model and lines of a language are the same."""
    measure = getattr(measure, "__wrapped__", measure)
    kept: dict[object, object] = {}

    @functools.wraps(measure)
    def measured(model, batches, *options):
        key = options[0] if num_scorers > 1 else None
        if key not in kept:
            kept[key] = measure(model, batches, *options)
        return kept[key]

    return measured


def trimmed(context: Context):
    directory = bundled_path(MODEL)
    pair = AutoModel.from_pretrained(directory).eval(), AutoTokenizer.from_pretrained(directory)
    method = get_method("vocabulary_trimming")
    config = method.config_class(max_vocabulary_size=VOCABULARY_SIZE)
    return method.apply(*pair, method.plan(*pair, config, context), context)


def batches(tokenizer, lines: list[str]) -> Iterator[dict[str, Tensor]]:
    lines = sorted(lines, key=len)
    for start in range(0, len(lines), 20):
        part = lines[start : start + 20]
        options = {"padding": True, "truncation": True, "max_length": MAX_LENGTH}
        encoded = tokenizer(part, return_tensors="pt", **options)
        yield {name: encoded[name] for name in ("input_ids", "attention_mask")}


def states(model, batches: list[dict[str, Tensor]]) -> tuple[Tensor, Tensor]:
    """States of all tokens, and mean-pooled sentences, in float64."""
    tokens, sentences = [], []
    with torch.no_grad():
        for batch in batches:
            found, mask = model(**batch)[0].double(), batch["attention_mask"].bool()
            tokens.append(found[mask])
            sentences += [row[kept].mean(0) for row, kept in zip(found, mask, strict=True)]
    return torch.cat(tokens), torch.stack(sentences)


def cosines(sentences: Tensor) -> Tensor:
    centred = torch.nn.functional.normalize(sentences - sentences.mean(0), dim=1)
    first, second = torch.triu_indices(len(centred), len(centred), 1)
    return (centred @ centred.T)[first, second]


def state_error(new: Tensor, old: Tensor) -> float:
    """Share of the old states that no linear map of the new ones gives on unseen lines."""
    inputs = torch.cat([new, torch.ones(len(new), 1, dtype=new.dtype)], dim=1)
    # blocks of lines in turn, so that both halves have lines of all lengths
    is_first = torch.arange(len(new)) // (len(new) // 20) % 2 == 0
    errors = []
    for fitted in (is_first, ~is_first):
        rows = inputs[fitted]
        moments = rows.T @ rows
        moments.diagonal().add_(1e-4 * moments.diagonal().mean())
        back = torch.linalg.solve(moments, rows.T @ old[fitted])
        missed = (inputs[~fitted] @ back - old[~fitted]).norm()
        errors.append(float(missed / (old[~fitted] - old[fitted].mean(0)).norm()))
    return sum(errors) / len(errors)


if __name__ == "__main__":
    main()
