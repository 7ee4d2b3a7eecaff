"""A fine-tuned model that labels words or texts as they come."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinyglot.data.conll import TaggedSentence
from tinyglot.data.examples import LabelledText
from tinyglot.errors import DataFormatError, UnknownMethodError
from tinyglot.evaluation.predict import predict
from tinyglot.evaluation.score import num_cut
from tinyglot.export import load_predictor
from tinyglot.recipes.heads import check_head, label_names
from tinyglot.recipes.run import Tell, silent
from tinyglot.tasks import get_task
from tinyglot.tasks.classification import TextClassificationTask
from tinyglot.tasks.tagging import WordTaggingTask
from tinyglot.tasks.words import sequence_limit
from tinyglot.tokenizers import load_tokenizer


class Labeller:
    """A fine-tuned model that labels what comes, words or whole texts.

    Args:
        model: A checkpoint or export directory, or a hub id.
        task: One that tags words, such as ``ner``, or classifies texts, such as ``topic``.
        tell: Takes a line for a person if texts are cut.

    Raises:
        UnknownMethodError: If the task does neither.
        TinyglotError: If the model cannot be loaded.
    """

    def __init__(self, model: str | Path, *, task: str, tell: Tell = silent) -> None:
        self.task = get_task(task)
        self._tell = tell
        if not isinstance(self.task, WordTaggingTask | TextClassificationTask):
            raise UnknownMethodError(
                f"Could not predict line by line for the task {task}.",
                got=task,
                expected="a task that tags words or classifies texts: "
                "ner, pos, topic, sentiment, nli, paraphrase",
                fix=f"tinyglot evaluate MODEL --task {task} --data DIR --language TAG",
            )
        self._predictor = load_predictor(model)
        check_head(self._predictor.directory, self.task)
        self._tokenizer = load_tokenizer(self._predictor.directory)
        self._labels = label_names(self._predictor.directory)

    @property
    def tags_words(self) -> bool:
        """Whether ``tag`` is for this task, and not ``classify``."""
        return isinstance(self.task, WordTaggingTask)

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[tuple[list[str], list[str]]]:
        """Tag sentences that are split into words.

        Args:
            sentences: Words of each.

        Returns:
            The words and their tags, sentence by sentence; none for a sentence without words.
        """
        some = self._labels[0]
        examples = [TaggedSentence(tuple(w), (some,) * len(w)) for w in sentences if w]
        tags = iter(self._predictions(examples) if examples else [])
        return [(list(words), list(next(tags)) if words else []) for words in sentences]

    def classify(self, texts: Sequence[Sequence[str]], first_line: int = 1) -> list[str]:
        """Label texts, or pairs of them.

        Args:
            texts: One text each, or two: premise and hypothesis.
            first_line: Number of the first of them in its file, for error messages.

        Returns:
            A label each; an empty one for an empty text.

        Raises:
            DataFormatError: If there are not as many texts as the task needs.
        """
        self._check_columns(texts, first_line)
        examples = [LabelledText(tuple(t), self._labels[0]) for t in texts if any(t)]
        labels = iter(self._predictions(examples) if examples else [])
        return [next(labels) if any(text) else "" for text in texts]

    def _check_columns(self, texts: Sequence[Sequence[str]], first_line: int) -> None:
        wanted = 2 if self.task.kind == "pair" else 1
        numbered = enumerate(texts, first_line)
        wrong = [(n, text) for n, text in numbered if any(text) and len(text) != wanted]
        if wrong:
            line, text = wrong[0]
            raise DataFormatError(
                f"Could not label {len(wrong)} line(s): {wanted} text(s) a line are needed.",
                got=f"{len(text)} text(s): {' | '.join(text)[:80]!r}, line {line}",
                expected="a text a line" if wanted == 1 else "two texts a line, a tab between them",
                fix="check the tabs of the input",
            )

    def _predictions(self, examples: Sequence[Any]) -> Sequence[Any]:
        limit = sequence_limit(self._tokenizer)
        encoded = self.task.encode(examples, self._tokenizer, self._labels, limit)
        if cut := num_cut(encoded):
            self._tell(f"{cut:,} of {len(encoded):,} texts are cut at {limit:,} tokens")
        logits = predict(self._predictor, encoded, int(self._tokenizer.pad_token_id or 0))
        found: Sequence[Any] = self.task.decode(encoded, logits, self._labels)
        return found
