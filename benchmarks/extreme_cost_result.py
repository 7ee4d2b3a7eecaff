"""What training costs in the published order and in ours, and the table of it."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from benchmarks.strict import Strict


class CostRound(Strict):
    """Some steps in a row of one stage.

    ``optimizer_s`` is what updates took of ``wall_s``. ``other_load`` is the share of all cores
    that everything else on the machine took meanwhile.
    """

    wall_s: float
    optimizer_s: float
    num_steps: int
    num_tokens: int
    other_load: float | None


class StageCost(Strict):
    """One stage that trains, in one of the two orders.

    ``tokens`` are those that are no padding; ``padding_share`` is of all positions of its batches.
    ``ms_per_token`` is the median over rounds.
    """

    order: Literal["published", "ours"]
    stage: Literal["adaptation", "first distillation", "second distillation"]
    num_parameters: int
    vocabulary_size: int
    precision: Literal["fp32", "bf16"]
    padding_share: float
    ms_per_token: float
    rounds: tuple[CostRound, ...] = Field(min_length=1)


class ExtremeCost(Strict):
    """Each stage of both orders on the same documents, rounds in turn, in one process.

    A published step has 8 documents; one of ``documents_per_step`` is timed, and of each update
    the share that falls on so many documents is counted.
    """

    benchmark: Literal["extreme_cost"] = "extreme_cost"
    model: str
    text: str
    num_documents: int
    mean_tokens_of_a_document: float
    documents_per_step: int
    num_threads: int
    published_over_ours: float
    stages: tuple[StageCost, ...] = Field(min_length=2)


def extreme_cost_table(result: ExtremeCost) -> Iterator[str]:
    """Show the cost of a token, a row a stage."""
    yield (
        f"`{result.model}`, {result.text}: {result.num_documents:,} documents of "
        f"{result.mean_tokens_of_a_document:.0f} tokens on average, {result.num_threads} "
        "thread(s), rounds of all stages in turn; median (min–max) over rounds. Published: full "
        "vocabulary, padding to 512, fp32, logits of every position, "
        f"{result.documents_per_step} document(s) timed of a step of 8. Ours: vocabulary trimmed "
        "first, packed, bf16. The same number of tokens in each of the three stages costs "
        f"**{result.published_over_ours:.1f} times** as much in the published order."
    )
    yield ""
    head = ["order", "stage", "parameters", "vocabulary", "precision", "padding"]
    head += ["ms a token", "steps", "others' load"]
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for one in result.stages:
        yield f"| {' | '.join(_cells(one))} |"


def _cells(one: StageCost) -> list[str]:
    costs = [1000 * each.wall_s / each.num_tokens for each in one.rounds]
    loads = [each.other_load for each in one.rounds if each.other_load is not None]
    return [
        one.order,
        one.stage,
        f"{one.num_parameters / 1e6:.1f} M",
        f"{one.vocabulary_size:,}",
        one.precision,
        f"{one.padding_share:.0%}",
        f"**{one.ms_per_token:.2f}** ({min(costs):.2f}–{max(costs):.2f})",
        str(sum(each.num_steps for each in one.rounds)),
        f"{max(loads):.2f}" if loads else "unknown",
    ]
