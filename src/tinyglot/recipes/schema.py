"""What a recipe may say: one frozen model, unknown keys refused."""

from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

from tinyglot.data.perturbations import PerturbationNames
from tinyglot.languages import ByLanguage, LanguageCodes
from tinyglot.methods.contract import MethodConfig
from tinyglot.methods.registry import methods
from tinyglot.recipes.downstream.settings import DownstreamSettings
from tinyglot.tasks import TaskOption


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class EvaluateSettings(_Settings):
    """Which scores to take, of every checkpoint that can give them."""

    split: str = Field(default="test", description="which split of the labelled data")
    languages: LanguageCodes = Field(
        default=(), description="tags; default: all languages of the recipe"
    )
    perturbations: PerturbationNames = Field(
        default=(),
        description="task ner: also score the split with other mentions, such as in-language, "
        "in-script share=0.5, in-language mentions=unseen, in-language length-matched",
    )
    by_mention_novelty: bool = Field(
        default=False,
        description="task ner: also recall of mentions that were in the training data and of those "
        "that were not, and counts of correct by predicted tags",
    )


class ExportSettings(_Settings):
    """Which deployable file to make of the last checkpoint."""

    format: Literal["onnx"] = Field(default="onnx", description="file format")
    int8: bool = Field(
        default=False, description="quantize weights to 8 bits, the embedding included"
    )


_Positive = Annotated[int, Field(ge=1)]


class MeasureSettings(_Settings):
    """How latency is taken; the models are interleaved."""

    batch: tuple[_Positive, ...] = Field(default=(1,), min_length=1, description="sequences a call")
    length: tuple[_Positive, ...] = Field(
        default=(32,), min_length=1, description="tokens a sequence"
    )
    threads: int = Field(default=1, ge=1, description="threads of the runtime")
    rounds: int = Field(default=20, ge=3, description="timed calls of each model and shape")


def _one_or_many(paths: Any) -> Any:  # noqa: ANN401  (checked by pydantic afterwards)
    return (paths,) if isinstance(paths, str) else paths


_Paths = Annotated[tuple[str, ...], BeforeValidator(_one_or_many), Field(min_length=1)]


class Recipe(_Settings):
    """A model, what it is for, and the steps that make it small."""

    model: str = Field(description="bundled:NAME, a checkpoint directory, or a hub id")
    revision: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{40}$",
        description="commit of a hub id, 40 hex digits; never a branch",
    )
    seed: int = Field(default=0, ge=0, description="seed of every generator")
    device: str = Field(default="cpu", description="torch device: cpu, cuda, cuda:1 …")
    languages: LanguageCodes = Field(
        default=(), description="tags such as swh-Latn; short codes are resolved"
    )
    text: ByLanguage[_Paths] = Field(
        default_factory=dict,
        description="raw text per language: files or directories (.txt .jsonl .parquet; gz, zst)",
    )
    task: str | None = Field(default=None, description="task id, such as ner")
    task_options: dict[str, TaskOption] = Field(
        default_factory=dict, description="options of the task, such as layer: 7"
    )
    data: str | None = Field(
        default=None, description="labelled data: a directory or a hub dataset id"
    )
    steps: tuple[MethodConfig, ...] = Field(default=(), description="what is done, in this order")
    evaluate: EvaluateSettings | None = Field(default=None, description="scores to take")
    downstream: DownstreamSettings | None = Field(
        default=None,
        exclude_if=lambda value: value is None,  # runs begun before there was one go on
        description="tasks on which every stage is fine-tuned and scored alike",
    )
    export: ExportSettings | None = Field(default=None, description="deployable file to make")
    measure: MeasureSettings | None = Field(default=None, description="latency to take")


@cache
def recipe_class() -> type[Recipe]:
    """Build the recipe class whose ``steps`` are exactly the registered methods' configs.

    Returns:
        A subclass of ``Recipe`` that checks every step.
    """
    configs: Any = reduce(or_, (method.config_class for method in methods()))
    step: Any = Annotated[configs, Field(discriminator="method")]
    return create_model(
        "Recipe",
        __base__=Recipe,
        __doc__=Recipe.__doc__,
        steps=(tuple[step, ...], Recipe.model_fields["steps"]),
    )
