"""Reads the labelled data and says what training on it would be; changes nothing."""

from typing import Literal

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures import view
from tinyglot.methods.contract import Context, Plan
from tinyglot.methods.fine_tuning.config import FineTuningConfig
from tinyglot.methods.fine_tuning.corpus import (
    Corpus,
    has_head,
    head_class,
    own_labels,
    read_corpus,
    resolve_config,
    task_of,
)
from tinyglot.methods.fine_tuning.head import with_head
from tinyglot.training import (
    ActiveVocabulary,
    LengthGroupedBatches,
    examples_digest,
    num_processes,
)


class FineTuningPlan(Plan):
    """What would be trained on what.

    Attributes:
        method: Name of the method.
        config: The options, with task, data and languages filled in.
        head: Whether the model's own head is trained on, or a new one.
        labels: In the order of their ids.
        num_sentences: Sentences by language and split.
        num_sequences: Training sequences; a sentence above ``max_length`` tokens makes several.
        num_tokens: Tokens in them, special tokens included.
        num_truncated: Training texts whose end is left out, since they are above ``max_length``.
        num_steps: Optimizer steps.
        num_processes: Processes that share each step.
        vocabulary_size: Rows of the model's embedding.
        num_embedding_rows: Rows that are trained.
        data_digest: Differs if the training data does.
    """

    method: Literal["fine_tuning"] = "fine_tuning"
    config: FineTuningConfig
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

    def summary(self) -> list[str]:
        """Say the plan in a few lines.

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
            *([f"{self.num_truncated:,} texts are cut at max_length"] * bool(self.num_truncated)),
            f"{self.num_embedding_rows:,} of {self.vocabulary_size:,} embedding rows ({share:.1%})",
        ]


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {split}" for split, number in counts.items()) + " sentences"


def plan(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    config: FineTuningConfig,
    context: Context,
) -> FineTuningPlan:
    """Read the data, and count what training on it would take.

    Args:
        model: A bare encoder, a masked-LM model or a model with a head of this task.
        tokenizer: Its tokenizer.
        config: The options.
        context: Gives task, data and languages where the options do not.

    Returns:
        Labels, sentences, steps and embedding rows.

    Raises:
        MissingInputError: If task, data or languages are given nowhere.
        DataNotFoundError: If a language has no training split, or the data is not there.
        DataFormatError: If a file has broken lines.
        UnknownLabelError: If an evaluation split has labels that training does not have.
        TokenIdRangeError: If the tokenizer is another model's.
    """
    config = resolve_config(config, context)
    corpus = read_corpus(model, tokenizer, config, context.seed)
    if task_of(config).objective == "masked_lm":  # every row is looked at, none is inactive
        config = config.model_copy(update={"active_vocabulary": False})
    lengths = [len(encoded.input_ids) for encoded in corpus.train]
    return FineTuningPlan(
        config=config,
        head="continued" if continues(model, config, corpus) else "new",
        labels=corpus.labels,
        num_sentences=corpus.num_sentences,
        num_sequences=len(lengths),
        num_tokens=sum(lengths),
        num_truncated=sum(getattr(encoded, "is_cut", False) for encoded in corpus.train),
        num_steps=_num_steps(lengths, config),
        num_processes=num_processes(),
        vocabulary_size=view(model).num_token_ids,
        num_embedding_rows=_num_embedding_rows(model, config, corpus),
        data_digest=examples_digest(corpus.train),
    )


def continues(model: PreTrainedModel, config: FineTuningConfig, corpus: Corpus) -> bool:
    """Tell whether a model's own head is trained on.

    Args:
        model: Any model.
        config: Resolved options.
        corpus: Says the labels.

    Returns:
        Whether the head is there and has exactly these labels, if the task has any. Outputs of a
        head that finds spans need no names: most checkpoints call them ``LABEL_0`` and ``LABEL_1``.
    """
    task = task_of(config)
    own = own_labels(model, task)
    is_span = task.head == "AutoModelForQuestionAnswering"
    fits = len(own) == len(corpus.labels) if is_span else own == corpus.labels
    return has_head(model, task) and (fits or not corpus.labels)


def headed_model(
    model: PreTrainedModel, config: FineTuningConfig, corpus: Corpus, seed: int
) -> PreTrainedModel:
    """Give the model that is trained: the given one, or a new head on its encoder.

    Args:
        model: Any model. It is not changed.
        config: Resolved options.
        corpus: Says the labels.
        seed: Decides the values of a new head.

    Returns:
        A model that shares its tensors with the one given.
    """
    if continues(model, config, corpus):
        return model
    return with_head(model, head_class(model, task_of(config).head), corpus.labels, seed)


def _num_steps(lengths: list[int], config: FineTuningConfig) -> int:
    batches = LengthGroupedBatches(
        lengths,
        batch_size=config.batch_size,
        batch_tokens=config.batch_tokens,
        processes=(0, num_processes()),
    )
    return config.max_steps or config.num_epochs * len(batches)


def _num_embedding_rows(model: PreTrainedModel, config: FineTuningConfig, corpus: Corpus) -> int:
    if not config.active_vocabulary:
        return view(model).num_token_ids
    headed = headed_model(model, config, corpus, seed=0)
    id_lists = [encoded.input_ids for encoded in (*corpus.train, *corpus.evaluation)]
    return len(ActiveVocabulary.of(headed, id_lists))
