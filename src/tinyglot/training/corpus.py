"""Labelled data of several languages, encoded for one model."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import transformers
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.data.sampling import choose_examples, sampled_counts
from tinyglot.errors import (
    DataNotFoundError,
    MissingInputError,
    UnknownLabelError,
    UnknownMethodError,
)
from tinyglot.tasks import Encoded, Task, TaskOption, get_task
from tinyglot.tasks.words import sequence_limit
from tinyglot.training.remembered import Memory, corpus_key
from tinyglot.training.task_options import TaskTrainingOptions

Options = TypeVar("Options", bound=TaskTrainingOptions)


@dataclass(frozen=True)
class Corpus:
    """What a model is trained on, and what it will be evaluated on.

    Attributes:
        labels: In the order of their ids.
        train: Encoded training sentences, language by language.
        evaluation: Encoded sentences of the evaluation splits.
        num_sentences: Sentences used, by language and split.
    """

    labels: tuple[str, ...]
    train: list[Encoded]
    evaluation: list[Encoded]
    num_sentences: dict[str, dict[str, int]]


#: the corpora that were read last; keeps none unless its limit is raised
CORPORA: Memory[Corpus] = Memory()


class Inputs(Protocol):
    """What holds for a whole recipe, such as the ``Context`` of a method."""

    @property
    def task(self) -> str | None:
        """Task id, if any."""

    @property
    def task_options(self) -> Mapping[str, TaskOption]:
        """Options of the task that are not its defaults."""

    @property
    def data(self) -> str | None:
        """Directory or hub id of labelled data, if any."""

    @property
    def languages(self) -> tuple[str, ...]:
        """Tags, in the order given."""


def resolve_options(options: Options, inputs: Inputs) -> Options:
    """Fill in task, data and languages where the step does not give its own.

    Args:
        options: The step's options.
        inputs: What holds for the whole recipe.

    Returns:
        Options that say everything.

    Raises:
        MissingInputError: If any of the three is given by neither; all of them are listed.
    """
    needed = {
        "task": options.task or inputs.task,
        "data": options.data or inputs.data,
        "languages": options.languages or inputs.languages,
    }
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise MissingInputError(
            f"Could not train on a task: {len(missing)} input(s) are missing.",
            got=f"no {', no '.join(missing)}",
            expected="a task, labelled data and at least one language",
            fix="give --task ner --data DIR --language TAG, or the same keys in the recipe",
        )
    # options of the recipe's task are none of another task's
    is_same_task = needed["task"] == (inputs.task or needed["task"])
    of_recipe = dict(inputs.task_options) if is_same_task else {}
    task_options = {"task_options": options.task_options or of_recipe}
    return options.model_copy(
        update={**needed, **task_options, "languages": tuple(needed["languages"] or ())}
    )


def task_of(options: TaskTrainingOptions) -> Task[Any, Any]:
    """Give the task that is trained, with its options.

    Args:
        options: Resolved options.

    Returns:
        The task.

    Raises:
        UnknownMethodError: If no task has that id, or it is one that nothing is trained for.
        TaskOptionError: If an option is unknown or out of range.
    """
    task = get_task(str(options.task), options.task_options)
    if task.objective is None:
        raise UnknownMethodError(
            f"Could not train on the task {task.id}: it has nothing to train.",
            got=task.id,
            expected="a task with labels or with text",
            fix=f"tinyglot evaluate MODEL --task {task.id} --data DIR --language TAG",
        )
    return task


def read_corpus(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    options: TaskTrainingOptions,
    seed: int,
) -> Corpus:
    """Read and encode the training and evaluation splits.

    A process that does several trainings on the same data may have them kept: ``CORPORA.limit``.

    Args:
        model: Decides the labels if it already has a head for all labels in the data.
        tokenizer: The model's tokenizer.
        options: Resolved options.
        seed: Of the choice of training sentences, where not all are taken.

    Returns:
        The encoded sentences with the labels.

    Raises:
        DataNotFoundError: If a language has no training split, or the data is not there.
        DataFormatError: If a file has broken lines.
        UnknownLabelError: If an evaluation split has labels that training does not have, or two
            languages have labels of different kinds.
        UnknownMethodError: If nothing is trained for the task.
    """
    task = task_of(options)
    own = own_labels(model, task)
    key = corpus_key(tokenizer, own, options, seed) if CORPORA.limit else None
    return CORPORA.get(key, lambda: _read(model, tokenizer, options, seed))


def _read(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    options: TaskTrainingOptions,
    seed: int,
) -> Corpus:
    task = task_of(options)
    train = training_sentences(task, options, seed)
    check_label_sets({tag: task.labels(examples) for tag, examples in train.items()})
    labels = choose_labels(model, task, task.labels(*train.values()))
    evaluation = {
        (tag, split): sentences
        for tag in options.languages
        for split in options.evaluation_splits
        for sentences in _sentences_if_there(task, str(options.data), tag, split)
    }
    num_sentences = {tag: {options.train_split: len(train[tag])} for tag in train}
    for (tag, split), sentences in evaluation.items():
        num_sentences[tag][split] = len(sentences)
    max_length = sequence_limit(tokenizer, options.max_length)
    encode = _Encoder(task, tokenizer, labels, max_length)
    return Corpus(labels, encode(train.values()), encode(evaluation.values()), num_sentences)


def check_label_sets(labels: Mapping[str, Sequence[str]]) -> None:
    """Refuse training data whose languages name their labels differently.

    A language may lack labels that others have, such as a rare type of name. But where each of two
    languages has labels that the other lacks, one head would learn both sets, and neither
    language could be scored on the other's.

    Args:
        labels: Labels by language.

    Raises:
        UnknownLabelError: If two languages each have labels that the other lacks.
    """
    for (one, first), (other, second) in itertools.combinations(labels.items(), 2):
        only_first, only_second = set(first) - set(second), set(second) - set(first)
        if only_first and only_second:
            raise UnknownLabelError(
                "Could not train one head: the languages' label sets differ.",
                got=f"only {one}: {', '.join(sorted(only_first))}\n"
                f"only {other}: {', '.join(sorted(only_second))}",
                expected="the same labels in every language, or a part of them",
                fix="rename the labels of one language, or train on them apart; see "
                "tinyglot data check",
            )


def choose_labels(
    model: PreTrainedModel, task: Task[Any, Any], data_labels: tuple[str, ...]
) -> tuple[str, ...]:
    """Keep the labels of a model that was fine-tuned before, if the data needs no others.

    Args:
        model: Any model.
        task: Says which head it must have.
        data_labels: Labels that the training data needs.

    Returns:
        The model's labels in their order, or the data's; none for a task without labels.
    """
    own = own_labels(model, task)
    return own if data_labels and set(data_labels) <= set(own) else data_labels


def own_labels(model: PreTrainedModel, task: Task[Any, Any]) -> tuple[str, ...]:
    """List the labels of a model's head.

    Args:
        model: Any model.
        task: Says which head it must have.

    Returns:
        Labels in the order of their ids; none if the model has no such head.
    """
    if not has_head(model, task):
        return ()
    return tuple(str(label) for _, label in sorted((model.config.id2label or {}).items()))


def has_head(model: PreTrainedModel, task: Task[Any, Any]) -> bool:
    """Tell whether a model has the kind of head that a task needs.

    Args:
        model: Any model.
        task: Any task.

    Returns:
        Whether it has.
    """
    return isinstance(model, head_class(model, task.head))


def head_class(model: PreTrainedModel, head: str) -> type[PreTrainedModel]:
    """Find the class of the model's architecture that has a head.

    Args:
        model: Gives the architecture.
        head: Name of an Auto class, such as ``AutoModelForTokenClassification``.

    Returns:
        Such as ``BertForTokenClassification``.
    """
    found: type[PreTrainedModel] = getattr(transformers, head)._model_mapping[type(model.config)]
    return found


@dataclass(frozen=True)
class _Encoder:
    task: Task[Any, Any]
    tokenizer: PreTrainedTokenizerFast
    labels: tuple[str, ...]
    max_length: int

    def __call__(self, parts: Any) -> list[Encoded]:  # noqa: ANN401  (lists of the task's examples)
        sentences = [sentence for part in parts for sentence in part]
        if not sentences:
            return []
        return self.task.training_sequences(sentences, self.tokenizer, self.labels, self.max_length)


def training_sentences(
    task: Task[Any, Any], options: TaskTrainingOptions, seed: int
) -> dict[str, Sequence[Any]]:
    """Read and choose what is trained on.

    Args:
        task: The task.
        options: Resolved options.
        seed: Of the choice, where not all are taken.

    Returns:
        Examples by language.

    Raises:
        DataNotFoundError: If a language has no training split, or the data is not there.
        DataFormatError: If a file has broken lines.
    """
    found = {
        tag: task.read(str(options.data), tag, options.train_split) for tag in options.languages
    }
    counts = sampled_counts(
        {tag: len(sentences) for tag, sentences in found.items()},
        total=options.num_train_sentences,
        temperature=options.sampling_temperature,
        cap=options.max_train_sentences,
    )
    return {
        tag: choose_examples(sentences, counts[tag], seed, tag) for tag, sentences in found.items()
    }


def _sentences_if_there(
    task: Task[Any, Any], data: str, language: str, split: str
) -> Iterator[Sequence[Any]]:
    try:
        yield task.read(data, language, split)
    except DataNotFoundError:
        return
