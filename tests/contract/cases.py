"""What the contract tests need to know of each method: how to run it small, and what it reports.

A new method adds one entry to ``CASES``. What it cannot promise it declares itself, with the
reason, in ``Method.exempt_from``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.methods.labelled import write_data
from tests.methods.trimming import LINES, write_context
from tinyglot.methods.contract import Context

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """How one method is run on tiny models.

    Attributes:
        options: Fields of its configuration.
        smaller: Further options, each asking for less than the ones before.
        context: Writes text or labelled data into a directory, and names them.
        reported: What the plan says about the result, in the words of `recount`.
    """

    options: Options
    context: Callable[[Path], Context]
    reported: Callable[[Any], Mapping[str, int]]
    smaller: tuple[Options, ...] = ()


def two_texts(directory: Path) -> Context:
    return write_context(directory, {tag: LINES[tag] for tag in ("swh-Latn", "amh-Ethi")})


def two_texts_in_portions(directory: Path) -> Context:
    """Write a file named dev for each language: a few lines have no portions of their own."""
    texts = {tag: LINES[tag] for tag in ("swh-Latn", "amh-Ethi")}
    for tag, lines in texts.items():
        (directory / tag).mkdir()
        (directory / tag / "dev.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Context(languages=tuple(texts), text={tag: (directory / tag,) for tag in texts})


def labelled_data(directory: Path) -> Context:
    data = str(write_data(directory / "data"))
    return Context(languages=("swh-Latn", "deu-Latn"), task="ner", data=data)


def reported_by_trimming(plan: Any) -> dict[str, int]:
    return {"rows": len(plan.kept_token_ids), "parameters": plan.num_parameters_after}


def reported_by_layer_dropping(plan: Any) -> dict[str, int]:
    return {"layers": len(plan.kept_layers)}


def reported_by_width_reduction(plan: Any) -> dict[str, int]:
    return {"parameters": plan.num_parameters_after}


def reported_by_unit_pruning(plan: Any) -> dict[str, int]:
    return {"parameters": plan.num_parameters_after, "layers": len(plan.num_kept)}


def reported_by_fine_tuning(plan: Any) -> dict[str, int]:
    return {"labels": len(plan.labels), "rows": plan.vocabulary_size}


def reported_by_adaptation(plan: Any) -> dict[str, int]:
    return {"rows": plan.vocabulary_size}


def reported_by_distillation(plan: Any) -> dict[str, int]:
    return {"rows": plan.vocabulary_size, "parameters": plan.num_parameters}


def reported_by_learnt_pruning(plan: Any) -> dict[str, int]:
    return reported_by_fine_tuning(plan) | {"parameters": plan.num_parameters_after}


_LEARNT: Options = {
    "structures": "neurons",
    "start_share": 0.0,
    "end_share": 0.5,
    "max_steps": 2,
    "batch_size": 4,
    "precision": "fp32",
    "save_steps": None,
    "max_train_sentences": 4,
    "max_length": 64,
}

CASES: dict[str, Case] = {
    "vocabulary_trimming": Case(
        # a byte-level tokenizer of 600 tokens spells much of the text in bytes
        options={"max_unk_rate": 1.0},
        smaller=tuple(
            {"coverage": coverage, "max_unk_rate": 1.0} for coverage in (1.0, 0.9, 0.5, 0.1)
        ),
        context=two_texts,
        reported=reported_by_trimming,
    ),
    "layer_dropping": Case(
        options={"strategy": "block_influence", "num_layers": 1},
        smaller=({"layers": [0, 1], "allow_no_effect": True}, {"num_layers": 1}),
        context=two_texts,
        reported=reported_by_layer_dropping,
    ),
    "fine_tuning": Case(
        options={
            "max_steps": 2,
            "batch_size": 4,
            "precision": "fp32",
            "save_steps": None,
            "max_train_sentences": 8,
            "max_length": 64,
        },
        context=labelled_data,
        reported=reported_by_fine_tuning,
    ),
    "adaptation": Case(
        options={
            "max_steps": 2,
            "batch_tokens": 64,
            "max_length": 32,
            "held_out_lines": 0,
            "precision": "fp32",
            "save_steps": None,
        },
        context=two_texts,
        reported=reported_by_adaptation,
    ),
    "distillation": Case(
        options={
            "objectives": [
                {"objective": "masked_lm"},
                {"objective": "logit_kl"},
                {"objective": "relations", "num_relation_heads": 4},
            ],
            "max_steps": 2,
            "batch_tokens": 64,
            "max_length": 32,
            "held_out_lines": 0,
            "precision": "fp32",
            "save_steps": None,
        },
        context=two_texts,
        reported=reported_by_distillation,
    ),
    "dynamic_sparsification": Case(
        options={
            "heads": [2],
            "ffn": [20],
            "start_step": 1,
            "max_steps": 3,
            "batch_size": 4,
            "precision": "fp32",
            "save_steps": None,
            "max_train_sentences": 8,
            "calibration_sentences": 8,
            "max_length": 64,
        },
        context=labelled_data,
        reported=reported_by_fine_tuning,
    ),
    "head_pruning": Case(
        options={"num_heads": 2, "scorer": "magnitude", "shape": "free"},
        smaller=tuple({"num_heads": n, "scorer": "magnitude"} for n in (3, 1)),
        context=two_texts,
        reported=reported_by_unit_pruning,
    ),
    "ffn_pruning": Case(
        # a WordPiece tokenizer of few words knows little of its text
        options={"ffn_size": 20, "calibration_sentences": 2, "max_unk_rate": 1.0},
        smaller=(
            {"pruning_ratio": 0.1, "shape": "free", "scorer": "magnitude"},
            {"pruning_ratio": 0.9, "shape": "free", "scorer": "random"},
        ),
        context=two_texts,
        reported=reported_by_unit_pruning,
    ),
    "width_reduction": Case(
        options={"hidden_size": 16, "max_unk_rate": 1.0},
        smaller=tuple(
            {"hidden_size": size, "basis": "importance", "max_unk_rate": 1.0} for size in (24, 8)
        ),
        context=two_texts_in_portions,
        reported=reported_by_width_reduction,
    ),
    "l0_pruning": Case(
        options=_LEARNT | {"ffn_size": 24},
        smaller=tuple(_LEARNT | {"ffn_size": size} for size in (40, 24)),
        context=labelled_data,
        reported=reported_by_learnt_pruning,
    ),
    "movement_pruning": Case(
        options=_LEARNT | {"ffn_size": 24},
        smaller=tuple(_LEARNT | {"ffn_size": size} for size in (40, 24)),
        context=labelled_data,
        reported=reported_by_learnt_pruning,
    ),
    "magnitude_pruning": Case(
        options={
            "sparsity": 0.7,
            "embeddings": "include",
            "max_steps": 3,
            "batch_size": 4,
            "precision": "fp32",
            "save_steps": None,
            "max_train_sentences": 8,
            "max_length": 64,
        },
        context=labelled_data,
        reported=reported_by_fine_tuning,
    ),
}
