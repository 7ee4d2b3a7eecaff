"""What vocabulary trimming leaves of the bundled encoder, and what that costs each language.

Alone: each language of the text trimmed for on its own. Joint: four languages together, under
limits. Other domain: chosen on one kind of text, judged on another, where lines are also embedded
(mean-pooled, ``query: ``) by both models. Writes results/vocabulary-trimming-e5-small.json. About
5 minutes on one core.

python -m benchmarks.measure_vocabulary_trimming
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.measure_layer_dropping import embed
from benchmarks.places import data_directory
from benchmarks.provenance import Provenance
from benchmarks.schema import (
    TrimmedAlone,
    TrimmedJointly,
    TrimmedLanguage,
    TrimmedOtherDomain,
    VocabularyTrimming,
    write_result,
)
from tinyglot.checkpoints import Checkpoint, load_checkpoint
from tinyglot.data.text import TextSource
from tinyglot.data.token_counts import count_tokens
from tinyglot.languages import resolve_language
from tinyglot.methods.contract import Context
from tinyglot.methods.vocabulary_trimming import METHOD, VocabularyTrimmingConfig

MODEL = "bundled:multilingual-e5-small"
JOINT = ("sw", "yo", "mt", "am")
JOINT_OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"coverage": 0.99},
    {"max_vocabulary_size": 20000},
    {"budgets": {"sw": 12000, "yo": 5000, "mt": 8000, "am": 3000}},
    {"max_vocabulary_size": 10000},
)
# folder -> file to choose on, file of another kind to judge on
DOMAINS = {
    "sw": ("bible-nt", "masakhane-news-raw"),
    "yo": ("yoruba-bible", "masakhane-news-raw"),
    "zu": ("bible-nt", "ntrex128"),
    "am": ("tico19", "masakhane-news-raw"),
    "mt": ("parseme-mt", "ntrex128"),
    "ta": ("pratham-books", "ntrex128"),
}
DOMAIN_OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"coverage": 0.99},
    {"keep_script_characters": False},
)
NUM_EMBEDDED = 100


def main() -> None:
    torch.set_num_threads(1)
    provenance = Provenance.now()
    checkpoint = load_checkpoint(MODEL)
    folders = sorted(path.name for path in (data_directory() / "text").iterdir())
    result = VocabularyTrimming(
        model=MODEL,
        num_rows_before=checkpoint.model.config.vocab_size,
        num_parameters_before=sum(p.numel() for p in checkpoint.model.parameters()),
        alone=tuple(alone(checkpoint, folder) for folder in folders),
        joint=tuple(jointly(checkpoint, options) for options in JOINT_OPTIONS),
        other_domain=tuple(row for folder in DOMAINS for row in other_domain(checkpoint, folder)),
    )
    write_result("vocabulary-trimming-e5-small", provenance, result)


def plan_of(checkpoint: Checkpoint, text: dict[str, Path], **options: Any) -> Any:
    context = Context(
        languages=tuple(map(resolve_language, text)),
        text={resolve_language(code): (path,) for code, path in text.items()},
    )
    config = VocabularyTrimmingConfig(**options)
    return METHOD.plan(checkpoint.model, checkpoint.tokenizer, config, context), context


def alone(checkpoint: Checkpoint, folder: str) -> TrimmedAlone:
    path = data_directory() / "text" / folder
    plan, _ = plan_of(checkpoint, {folder: path})
    return told(
        TrimmedAlone(
            text_bytes=TextSource((path,)).num_bytes,
            num_rows=len(plan.kept_token_ids),
            num_parameters=plan.num_parameters_after,
            language=told_language(plan.languages[0]),
        )
    )


def jointly(checkpoint: Checkpoint, options: dict[str, Any]) -> TrimmedJointly:
    text = {folder: data_directory() / "text" / folder for folder in JOINT}
    plan, _ = plan_of(checkpoint, text, **options)
    return told(
        TrimmedJointly(
            options=options,
            num_rows=len(plan.kept_token_ids),
            num_parameters=plan.num_parameters_after,
            languages=tuple(map(told_language, plan.languages)),
        )
    )


def told_language(report: Any) -> TrimmedLanguage:
    before, after = report.held_out_before, report.held_out_after
    return TrimmedLanguage(
        language=report.language,
        num_distinct_tokens=report.num_distinct_tokens,
        num_chosen_tokens=report.num_chosen_tokens,
        num_kept_tokens=report.num_kept_tokens,
        token_coverage=round(report.token_coverage, 6),
        num_held_out_lines=before.num_lines,
        fertility_before=round(before.fertility, 4),
        fertility_after=round(after.fertility, 4),
        unk_rate_before=round(before.unk_rate, 6),
        unk_rate_after=round(after.unk_rate, 6),
    )


def other_domain(checkpoint: Checkpoint, folder: str) -> Iterator[TrimmedOtherDomain]:
    directory = data_directory() / "text" / folder
    chosen_on, judged_on = (directory / f"{name}.txt" for name in DOMAINS[folder])
    source = TextSource((judged_on,))
    lines = list(source.lines())
    embedded = lines[:: max(1, len(lines) // NUM_EMBEDDED)][:NUM_EMBEDDED]
    before = count_tokens(checkpoint.tokenizer, source)
    vectors = embed(checkpoint.model, checkpoint.tokenizer, embedded)
    for options in DOMAIN_OPTIONS:
        plan, context = plan_of(checkpoint, {folder: chosen_on}, **options)
        smaller, trimmed = METHOD.apply(checkpoint.model, checkpoint.tokenizer, plan, context)
        after = count_tokens(trimmed, source)
        unchanged = unchanged_lines(checkpoint.tokenizer, plan.kept_token_ids, lines)
        cosines = (vectors * embed(smaller, trimmed, embedded)).sum(dim=1).numpy()
        yield told(
            TrimmedOtherDomain(
                language=resolve_language(folder),
                chosen_on=chosen_on.stem,
                judged_on=judged_on.stem,
                options=options,
                num_rows=len(plan.kept_token_ids),
                num_lines=len(lines),
                fertility_before=round(before.fertility, 4),
                fertility_after=round(after.fertility, 4),
                unk_rate_before=round(before.unk_rate, 6),
                unk_rate_after=round(after.unk_rate, 6),
                unchanged_lines_share=round(unchanged, 4),
                num_embedded=len(cosines),
                cosine_mean=round(float(cosines.mean()), 4),
                cosine_p05=round(float(np.quantile(cosines, 0.05)), 4),
            )
        )


def unchanged_lines(tokenizer, kept_token_ids: tuple[int, ...], lines: list[str]) -> float:
    """Share of the lines whose tokens are all kept: those are computed bit for bit as before."""
    kept = set(kept_token_ids)
    encodings = tokenizer.backend_tokenizer.encode_batch_fast(lines)
    return float(np.mean([kept.issuperset(encoding.ids) for encoding in encodings]))


def told(result: Any) -> Any:
    print(json.dumps(result.model_dump(mode="json")), file=sys.stderr, flush=True)
    return result


if __name__ == "__main__":
    main()
