"""The commands as functions: what `tinyglot compress` does, from Python."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import polars as pl

from tinyglot.checkpoints.expand import Expanded, expand_checkpoint
from tinyglot.checkpoints.locate import locate_checkpoint
from tinyglot.checkpoints.packed_size import PackedSize
from tinyglot.checkpoints.push import push_checkpoint
from tinyglot.data.perturbations import MentionReplacement
from tinyglot.data.perturbations.directory import perturbed_copies
from tinyglot.errors import ModelNotFoundError, PerturbationOptionError, TaskOptionError
from tinyglot.evaluation import score
from tinyglot.evaluation.bootstrap import CONFIDENCE
from tinyglot.evaluation.choices import check_options, choose_max_drop, choose_metric
from tinyglot.evaluation.compare import Comparison, compare_evaluated
from tinyglot.evaluation.flips import check_share, flipped_examples
from tinyglot.evaluation.precision import changed_predictions, describe_changes
from tinyglot.evaluation.sameness import RecordedOutputs
from tinyglot.export import ExportRecord, export_checkpoint, load_predictor, measure_models
from tinyglot.export.stock import PaddedCheckpoint
from tinyglot.files import write_text
from tinyglot.measure import MeasureRow
from tinyglot.recipes.directory import RECIPE_FILE
from tinyglot.recipes.finish import run_recipe
from tinyglot.recipes.heads import check_head, label_names
from tinyglot.recipes.inputs import MENTIONS, text_by_language
from tinyglot.recipes.read import parse_recipe
from tinyglot.recipes.run import Run, Tell, silent
from tinyglot.recipes.schema import Recipe
from tinyglot.tasks import Task, get_task
from tinyglot.tokenizers import load_tokenizer


def compress(
    model: str,
    *,
    languages: Sequence[str],
    text: str | Path | Sequence[str | Path],
    out: str | Path,
    tell: Tell = silent,
    **options: Any,  # noqa: ANN401  (fields of the configuration, checked by it)
) -> Run:
    """Make a model small for some languages: trim its vocabulary, drop layers if asked.

    Args:
        model: ``bundled:NAME``, a checkpoint directory, or a hub id.
        languages: Tags or codes, such as ``sw``.
        text: Raw text: files or directories, ``TAG=PATH`` where there are several languages.
        out: The run directory; the result is ``out/final``.
        tell: Takes lines for a person.
        **options: Fields of the recipe (``seed``, ``revision``, ``device``) or of
            ``vocabulary_trimming`` (``coverage``, ``max_vocabulary_size``, ``budgets`` …);
            ``num_layers`` and ``strategy`` go to ``layer_dropping``.

    Returns:
        The run; ``run.final`` is the checkpoint.

    Raises:
        TinyglotError: For every bad input; no model is written then.
    """
    values = [text] if isinstance(text, str | Path) else text
    options["text"] = text_by_language([str(value) for value in values], languages)
    dropping: dict[str, Any] = {
        key: options.pop(key) for key in ("num_layers", "strategy") if key in options
    }
    steps: list[dict[str, Any]] = [{"method": "vocabulary_trimming"}]
    if dropping:
        steps.append({"method": "layer_dropping", **dropping})
    recipe = build_recipe(model, steps, {"languages": list(languages), **options})
    return run_recipe(recipe, Path(out), tell)


def finetune(
    model: str,
    *,
    task: str,
    data: str | Path,
    out: str | Path,
    tell: Tell = silent,
    **options: Any,  # noqa: ANN401  (fields of the configuration, checked by it)
) -> Run:
    """Train a task head and the encoder on labelled data, and score every language.

    Args:
        model: ``bundled:NAME``, a checkpoint directory, or a hub id.
        task: Such as ``ner``.
        data: A directory ``<language>/{train,dev,test}``, a catalogue id, or a hub dataset id.
        out: The run directory; the result is ``out/final``.
        tell: Takes lines for a person.
        **options: Fields of the recipe (``languages``, ``seed``, ``task_options``, ``device``,
            ``evaluate`` …) or of
            ``fine_tuning`` (``max_steps``, ``num_epochs``, ``learning_rate``, ``batch_size`` …).

    Returns:
        The run; ``run.final`` is the checkpoint.

    Raises:
        TinyglotError: For every bad input; no model is written then.
    """
    settings = {"task": task, "data": str(data), "evaluate": {}, **options}
    recipe = build_recipe(model, [{"method": "fine_tuning"}], settings)
    return run_recipe(recipe, Path(out), tell)


def evaluate(  # noqa: PLR0913  (each is an option of the command)
    model: str | Path,
    *,
    task: str,
    data: str | Path,
    languages: Sequence[str],
    split: str = "test",
    task_options: Mapping[str, Any] | None = None,
    precision: Literal["fp32", "bf16", "auto"] = "fp32",
    max_length: int | None = None,
    perturbations: Sequence[str] = (),
    seed: int = 0,
    tell: Tell = silent,
) -> pl.DataFrame:
    """Score a fine-tuned checkpoint or an export, language by language.

    Args:
        model: A checkpoint or export directory, or a hub id.
        task: Such as ``ner``.
        data: A directory ``<language>/{train,dev,test}``, a catalogue id, or a hub dataset id.
        languages: Tags or codes.
        split: Which split.
        task_options: Fields of the task, such as ``layer``.
        precision: Of a checkpoint's matrix products. ``auto`` takes bf16 if it changes no
            prediction of 64 examples a language; not for ``mlm``, which predicts nothing.
        max_length: Most tokens of a sequence; the model's limit, at most 512, if ``None``.
        perturbations: Names such as ``in-language``; the data are also scored so, with other
            mentions in them.
        seed: Of the resampling for the intervals.
        tell: Takes lines for a person: how many predictions bf16 changes, how many texts are cut.

    Returns:
        Long-form rows with 95 % intervals; ``tinyglot.evaluation.summary`` averages them.

    Raises:
        TinyglotError: For every bad input.
    """
    chosen = get_task(task, task_options)
    swaps = _mention_swaps(chosen, perturbations)
    if precision != "fp32" and chosen.objective == "masked_lm":
        raise _no_decisions(chosen.id, precision)
    predictor = load_predictor(model, hidden_layer=chosen.hidden_layer)
    check_head(predictor.directory, chosen)
    if precision != "fp32" and predictor.format == "checkpoint":
        examples = score.read_languages(chosen, data, languages, split)
        fast = load_predictor(model, hidden_layer=chosen.hidden_layer, precision="bf16")
        changes = changed_predictions(
            (predictor, fast),
            load_tokenizer(predictor.directory),
            label_names(predictor.directory),
            chosen,
            examples,
            max_length,
        )
        tell(describe_changes(changes))
        unchanged = not any(number for number, _ in changes.values())
        predictor = fast if unchanged or precision == "bf16" else predictor
    scored = partial(
        score.evaluate,
        predictor,
        load_tokenizer(predictor.directory),
        label_names(predictor.directory),
        chosen,
        languages=languages,
        split=split,
        model_name=str(model),
        seed=seed,
        max_length=max_length,
        tell=tell,
    )
    with perturbed_copies(data, languages, swaps, split) as copies:
        return pl.concat([scored(source) for source in (data, *copies)])


def _mention_swaps(task: Task[Any, Any], names: Sequence[str]) -> list[MentionReplacement]:
    if names and task.kind != MENTIONS:
        raise PerturbationOptionError(
            f"Could not perturb data of the task {task.id}: they have no mentions.",
            got=f"--perturbation {names[0]!r}",
            expected=f"the task {MENTIONS}",
            fix="leave --perturbation out",
        )
    return [MentionReplacement.from_name(name) for name in dict.fromkeys(names)]


def _no_decisions(task: str, precision: str) -> TaskOptionError:
    return TaskOptionError(
        f"Could not try a faster precision for the task {task}: no prediction could change.",
        got=f"--precision {precision}",
        expected="fp32, since its score is a sum of log-probabilities",
        fix="leave --precision out",
    )


def compare(  # noqa: PLR0913  (each is an option of the command)
    dense: str | Path,
    small: str | Path,
    *,
    task: str,
    data: str | Path,
    languages: Sequence[str],
    split: str = "test",
    metric: str | None = None,
    max_drop: float | None = None,
    confidence: float = CONFIDENCE,
    task_options: Mapping[str, Any] | None = None,
    flips: str | Path | None = None,
) -> Comparison:
    """Say for every language whether a small model keeps what a dense one can.

    Args:
        dense: A checkpoint or export directory, or a hub id.
        small: Another, for the same task.
        task: Such as ``ner``.
        data: A directory ``<language>/{train,dev,test}``, a catalogue id, or a hub dataset id.
        languages: Tags or codes.
        split: Which split.
        metric: Which score of the task; the main one if ``None``.
        max_drop: Largest drop that is allowed, in percentage points, 2.0 if ``None``; in the
            metric's own unit where it is no share, and then it must be given.
        confidence: Of the intervals.
        task_options: Fields of the task, such as ``layer``.
        flips: A JSONL file to write: the examples that only one of both gets right.

    Returns:
        Scores, differences with intervals, p-values and verdicts, most damaged language first.

    Raises:
        TinyglotError: For every bad input.
    """
    chosen = get_task(task, task_options)
    by = choose_metric(chosen, metric)
    allowed = choose_max_drop(max_drop, by)
    check_options(allowed, confidence)
    if flips is not None:
        check_share(by)
    examples = score.read_languages(chosen, data, languages, split)
    first, labels, before = _recorded(dense, chosen, examples)
    second, other_labels, after = _recorded(small, chosen, examples)
    if flips is not None:
        write_text(Path(flips), flipped_examples(before, after, chosen, by).write_ndjson())
    return compare_evaluated(
        before,
        after,
        chosen,
        metric=by,
        max_drop=allowed,
        confidence=confidence,
        same_outputs=labels == other_labels and first.are_those_of(second),
    )


def _recorded(
    model: str | Path, task: Task[Any, Any], examples: Mapping[str, Sequence[Any]]
) -> tuple[RecordedOutputs, tuple[str, ...], dict[str, score.Evaluated]]:
    predictor = load_predictor(model, hidden_layer=task.hidden_layer)
    check_head(predictor.directory, task)
    run = RecordedOutputs(predictor)
    tokenizer, labels = load_tokenizer(predictor.directory), label_names(predictor.directory)
    found = score.evaluate_examples(run, tokenizer, labels, task, examples)
    return run, labels if "Classification" in task.head else (), found


def export(
    model: str | Path, *, out: str | Path, format: str = "onnx", int8: bool = False
) -> ExportRecord | PackedSize | PaddedCheckpoint:
    """Export a checkpoint, compared with its source: to run without PyTorch, or to take less room.

    Args:
        model: A checkpoint directory, ``bundled:NAME``, or a hub id.
        out: Directory for the export.
        format: ``onnx`` or ``openvino``; ``sparse``, which stores zeros as one bit each; or
            ``stock``, which makes an ordinary checkpoint of a slim one.
        int8: Whether to round weights to 8 bits, the embedding included; for ``onnx``.

    Returns:
        For ``onnx`` and ``openvino``, the comparison, which is also in ``out/export.json``; for
        ``sparse``, the bytes before and after; for ``stock``, the parameters.

    Raises:
        TinyglotError: For every bad input, and if the export computes something else.
    """
    return export_checkpoint(model, Path(out), format=format, int8=int8)


def expand(packed: str | Path, *, out: str | Path) -> Expanded:
    """Write the checkpoint that ``export(..., format="sparse")`` was given, byte for byte.

    Args:
        packed: The packed directory.
        out: Directory for the checkpoint, new or empty.

    Returns:
        Bytes before and after.

    Raises:
        TinyglotError: If it is not packed, damaged, or does not fit itself.
    """
    return expand_checkpoint(Path(packed), Path(out))


def measure(
    models: Sequence[str | Path],
    *,
    batch: Sequence[int] = (1,),
    length: Sequence[int] = (32,),
    threads: int = 1,
    rounds: int = 20,
) -> list[MeasureRow]:
    """Measure size, latency and peak memory of checkpoints and exports, interleaved.

    Args:
        models: Checkpoint or export directories, ``bundled:NAME``, or hub ids.
        batch: Sequences a call.
        length: Tokens a sequence.
        threads: Threads of the runtimes.
        rounds: Timed calls of each model at each shape.

    Returns:
        One row for each shape and model, its protocol in it.

    Raises:
        TinyglotError: For every bad input.
    """
    return measure_models([str(model) for model in models], batch, length, threads, rounds)


def push(run: str | Path, *, repo: str, private: bool = False) -> str:
    """Upload a checkpoint with its model card to the hub.

    Args:
        run: A finished run directory, or a checkpoint directory.
        repo: Hub id; made if it is not there.
        private: Whether to make it private.

    Returns:
        Address of the commit.

    Raises:
        ModelNotFoundError: If there is no such directory, or its run is not finished.
        HubError: If the hub cannot be reached or refuses.
    """
    return push_checkpoint(_finished(Path(run)), repo, private=private)


def _finished(directory: Path) -> Path:
    is_run = (directory / RECIPE_FILE).exists()
    checkpoint = directory / "final" if is_run else directory
    if not checkpoint.is_dir() or (is_run and not (checkpoint / "README.md").exists()):
        raise ModelNotFoundError(
            "Could not upload: there is no finished checkpoint.",
            got=f"{directory}, {'a run that is not finished' if is_run else 'no directory'}",
            expected="a finished run directory, or a checkpoint directory",
            fix="run the command that began it once more; it goes on where it stopped"
            if is_run
            else "check the path",
        )
    return locate_checkpoint(str(checkpoint))


def build_recipe(model: str, steps: list[dict[str, Any]], options: Mapping[str, Any]) -> Recipe:
    """Sort options into the recipe's and the first step's, and check them together.

    Args:
        model: As in a recipe.
        steps: The steps; those options that are no field of a recipe go to the first.
        options: By name.

    Returns:
        The checked recipe.

    Raises:
        RecipeError: If any is unknown or out of range; lists all.
    """
    own = {key: value for key, value in options.items() if key in Recipe.model_fields}
    rest = {key: value for key, value in options.items() if key not in own}
    first, *others = steps
    return parse_recipe({"model": model, **own, "steps": [{**first, **rest}, *others]})
