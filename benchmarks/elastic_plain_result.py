"""What `elastic_plain` found: slices loaded where tinyglot is not installed."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from benchmarks.strict import Strict


class PlainSlice(Strict):
    """A slice; the largest difference of any logit from those of the model tinyglot loads."""

    layers: int
    ffn: int
    num_parameters: int
    largest_difference: float


class ElasticPlain(Strict):
    """Slices loaded by plain transformers in an environment that has no tinyglot.

    ``environment`` are its versions; the sentences are real ones of all languages.
    """

    benchmark: Literal["elastic_plain"] = "elastic_plain"
    environment: dict[str, str]
    data: str
    split: str
    n_by_language: dict[str, int]
    slices: tuple[PlainSlice, ...] = Field(min_length=1)


def elastic_plain_table(result: ElasticPlain) -> Iterator[str]:
    """Say the environment, and show a row a slice."""
    versions = ", ".join(f"{name} {version}" for name, version in result.environment.items())
    counted = ", ".join(f"{tag} n = {count}" for tag, count in result.n_by_language.items())
    yield (
        f"Slices of one elastic checkpoint, loaded by `AutoModelForTokenClassification` and "
        f"`AutoTokenizer` in an environment without tinyglot ({versions}), on sentences of "
        f"{result.data}, {result.split}: {counted}."
    )
    yield ""
    yield "| layers × neurons | parameters (M) | largest difference of a logit |"
    yield "|---|---|---|"
    for each in result.slices:
        yield (
            f"| {each.layers} × {each.ffn} | {each.num_parameters / 1e6:.1f} | "
            f"{each.largest_difference:g} |"
        )
