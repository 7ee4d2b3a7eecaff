"""What training a model on a task would be; changes nothing."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures import view
from tinyglot.training.active_vocabulary import ActiveVocabulary
from tinyglot.training.batches import LengthGroupedBatches
from tinyglot.training.corpus import (
    Corpus,
    has_head,
    head_class,
    own_labels,
    read_corpus,
    task_of,
)
from tinyglot.training.head import with_head
from tinyglot.training.processes import num_processes
from tinyglot.training.resume import examples_digest
from tinyglot.training.task_options import TaskTrainingOptions


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class TaskTrainingPlan(_Frozen):
    """What would be trained on what; part of the plan of every method that trains on a task.

    Attributes:
        config: The options, with task, data and languages filled in.
        head: Whether the model's own head is trained on, or a new one.
        labels: In the order of their ids.
        num_sentences: Sentences by language and split.
        num_sequences: Training sequences; a sentence above ``max_length`` tokens makes several.
        num_tokens: Tokens in them, special tokens included.
        num_truncated: Training texts whose end is left out, since they are above ``max_length``.
        num_steps: Optimizer steps of the whole training.
        num_processes: Processes that share each step.
        vocabulary_size: Rows of the model's embedding.
        num_embedding_rows: Rows that are trained.
        data_digest: Differs if the training data does.
    """

    config: TaskTrainingOptions
    head: Literal["new", "continued"]
    labels: tuple[str, ...]
    num_sentences: dict[str, dict[str, int]]
    num_sequences: int
    num_tokens: int
    num_truncated: int = 0
    num_steps: int
    num_processes: int
    vocabulary_size: int
    num_embedding_rows: int
    data_digest: str

    def training_summary(self) -> list[str]:
        """Say the plan of the training in a few lines.

        Returns:
            Lines without markup.
        """
        share = self.num_embedding_rows / self.vocabulary_size
        return [
            f"train {self.config.task} with {'a new' if self.head == 'new' else 'its own'} head: "
            + " ".join(self.labels),
            *(f"{tag}: {_counts(counts)}" for tag, counts in self.num_sentences.items()),
            f"{self.num_steps:,} steps over {self.num_sequences:,} sequences, "
            f"{self.num_tokens:,} tokens",
            *(f"stops after step {step:,}" for step in (self.config.stop_step,) if step),
            *([f"{self.num_truncated:,} texts are cut at max_length"] * bool(self.num_truncated)),
            f"{self.num_embedding_rows:,} of {self.vocabulary_size:,} embedding rows ({share:.1%})",
        ]


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {split}" for split, number in counts.items()) + " sentences"


def plan_task_training(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    options: TaskTrainingOptions,
    seed: int,
) -> dict[str, Any]:
    """Read the data, and count what training on it would take.

    Args:
        model: A bare encoder, a masked-LM model or a model with a head of this task.
        tokenizer: Its tokenizer.
        options: Resolved options.
        seed: Of the choice of training sentences, where not all are taken.

    Returns:
        The fields of a ``TaskTrainingPlan``.

    Raises:
        DataNotFoundError: If a language has no training split, or the data is not there.
        DataFormatError: If a file has broken lines.
        UnknownLabelError: If an evaluation split has labels that training does not have.
        TokenIdRangeError: If the tokenizer is another model's.
    """
    corpus = read_corpus(model, tokenizer, options, seed)
    if task_of(options).objective == "masked_lm":  # every row is looked at, none is inactive
        options = options.model_copy(update={"active_vocabulary": False})
    lengths = [len(encoded.input_ids) for encoded in corpus.train]
    return {
        "config": options,
        "head": "continued" if continues(model, options, corpus) else "new",
        "labels": corpus.labels,
        "num_sentences": corpus.num_sentences,
        "num_sequences": len(corpus.train),
        "num_tokens": sum(lengths),
        "num_truncated": sum(getattr(encoded, "is_cut", False) for encoded in corpus.train),
        "num_steps": _num_steps(lengths, options),
        "num_processes": num_processes(),
        "vocabulary_size": view(model).num_token_ids,
        "num_embedding_rows": _num_embedding_rows(model, options, corpus),
        "data_digest": examples_digest(corpus.train),
    }


def continues(model: PreTrainedModel, options: TaskTrainingOptions, corpus: Corpus) -> bool:
    """Tell whether a model's own head is trained on.

    Args:
        model: Any model.
        options: Resolved options.
        corpus: Says the labels.

    Returns:
        Whether the head is there and has exactly these labels, if the task has any. Outputs of a
        head that finds spans need no names: most checkpoints call them ``LABEL_0`` and ``LABEL_1``.
    """
    task = task_of(options)
    own = own_labels(model, task)
    is_span = task.head == "AutoModelForQuestionAnswering"
    fits = len(own) == len(corpus.labels) if is_span else own == corpus.labels
    return has_head(model, task) and (fits or not corpus.labels)


def headed_model(
    model: PreTrainedModel, options: TaskTrainingOptions, corpus: Corpus, seed: int
) -> PreTrainedModel:
    """Give the model that is trained: the given one, or a new head on its encoder.

    Args:
        model: Any model. It is not changed.
        options: Resolved options.
        corpus: Says the labels.
        seed: Decides the values of a new head.

    Returns:
        A model that shares its tensors with the one given.
    """
    if continues(model, options, corpus):
        return model
    return with_head(model, head_class(model, task_of(options).head), corpus.labels, seed)


def _num_steps(lengths: list[int], options: TaskTrainingOptions) -> int:
    batches = LengthGroupedBatches(
        lengths,
        batch_size=options.batch_size,
        batch_tokens=options.batch_tokens,
        processes=(0, num_processes()),
    )
    return options.max_steps or options.num_epochs * len(batches)


def active_vocabulary(
    model: PreTrainedModel, options: TaskTrainingOptions, corpus: Corpus
) -> ActiveVocabulary | None:
    """Give the token ids whose embedding rows are trained.

    Args:
        model: A model with the head that is trained, as ``headed_model`` gives it.
        options: Resolved options.
        corpus: What is trained on, and evaluated on afterwards.

    Returns:
        The active vocabulary; ``None`` if all rows are trained.
    """
    if not options.active_vocabulary:
        return None
    id_lists = [encoded.input_ids for encoded in (*corpus.train, *corpus.evaluation)]
    return ActiveVocabulary.of(model, id_lists)


def _num_embedding_rows(
    model: PreTrainedModel, options: TaskTrainingOptions, corpus: Corpus
) -> int:
    active = active_vocabulary(headed_model(model, options, corpus, seed=0), options, corpus)
    return view(model).num_token_ids if active is None else len(active)
