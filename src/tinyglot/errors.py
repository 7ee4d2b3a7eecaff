"""Every exception of tinyglot: one class per cause, one message of four lines."""


class TinyglotError(Exception):
    """Say what went wrong, what was given, what is accepted and what to do about it.

    Args:
        problem: Past tense, the user's words, no class names.
        got: The offending value (first of many and the count), with its unit.
        expected: The accepted range, or the choices.
        fix: A call, flag or file; copyable.
    """

    def __init__(self, problem: str, *, got: object, expected: object, fix: str) -> None:
        self.problem = problem
        self.got = str(got)
        self.expected = str(expected)
        self.fix = fix
        super().__init__(problem)

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the three keyword lines when the error crosses a process boundary."""
        return (_rebuild, (type(self), self.problem, self.got, self.expected, self.fix))

    def __str__(self) -> str:
        lines = [self.problem]
        for label, text in (("got", self.got), ("expected", self.expected), ("fix", self.fix)):
            lines.append(f"  {label + ':':<10}" + text.replace("\n", "\n" + " " * 12))
        return "\n".join(lines)


def _rebuild(
    cls: type[TinyglotError], problem: str, got: str, expected: str, fix: str
) -> TinyglotError:
    return cls(problem, got=got, expected=expected, fix=fix)


# --- languages ---------------------------------------------------------------------------------


class UnknownLanguageError(TinyglotError, KeyError):
    """A language code is in no table."""


class UnknownScriptError(TinyglotError, ValueError):
    """A script code is not one that Unicode knows."""


# --- models and tokenizers ---------------------------------------------------------------------


class ModelNotFoundError(TinyglotError, FileNotFoundError):
    """Neither a directory, nor a bundled model, nor a reachable hub id."""


class HubError(TinyglotError, ConnectionError):
    """The model hub could not be reached, or refused."""


class UnsupportedArchitectureError(TinyglotError, TypeError):
    """The model belongs to no supported family."""


class CheckpointTensorsError(TinyglotError, ValueError):
    """A checkpoint has missing or extra tensors for its configuration, or a damaged file."""


class PackedCheckpointError(TinyglotError, ValueError):
    """A packed checkpoint is given where a dense one belongs, or the other way round."""


class UnsafeCheckpointError(TinyglotError, ValueError):
    """A checkpoint has only pickled weights, or wants to run its own code."""


class TokenIdRangeError(TinyglotError, ValueError):
    """A token id is outside the vocabulary, doubled, or a required one is missing."""


class UnsupportedTokenizerError(TinyglotError, TypeError):
    """The tokenizer's algorithm or parts cannot be edited."""


class TokenizerChangedError(TinyglotError, ValueError):
    """A saved tokenizer segments text differently after it is loaded again."""


class SequenceLengthError(TinyglotError, ValueError):
    """A maximum sequence length leaves no room for words."""


class NonFiniteOutputError(TinyglotError, ArithmeticError):
    """A model's output has infinite values or values that are no number."""


class NonFiniteScoreError(TinyglotError, ArithmeticError):
    """A count or a score is infinite or no number."""


class NoExamplesError(TinyglotError, ValueError):
    """A language has no example to score."""


class UnpairedExamplesError(TinyglotError, ValueError):
    """Two models were not scored on the same examples."""


class ComparisonError(TinyglotError, ValueError):
    """Scores cannot be compared or grouped as asked."""


class StructureRangeError(TinyglotError, ValueError):
    """Heads, neurons or channels are not in the model, or none would be left."""


class ImportanceFileError(TinyglotError, ValueError):
    """A file of importance is not there, damaged, or of another model."""


class ElasticCheckpointError(TinyglotError, ValueError):
    """A checkpoint is not elastic, or its ``elastic.json`` is damaged or of another version."""


class SizeNotTrainedError(TinyglotError, ValueError):
    """A slice is asked for in a size that was not trained, or under a limit that none fits."""


class LayerRangeError(TinyglotError, ValueError):
    """A layer index is outside the model, doubled, or out of order."""


# --- data --------------------------------------------------------------------------------------


class DataNotFoundError(TinyglotError, FileNotFoundError):
    """A text file, dataset directory, split or language is not there."""


class EmptyTextError(TinyglotError, ValueError):
    """A text has no line with content."""


class TextTooShortError(TinyglotError, ValueError):
    """A text is shorter than one batch of a training."""


class TextEncodingError(TinyglotError, ValueError):
    """A text is not UTF-8, or its compression is damaged."""


class DataFormatError(TinyglotError, ValueError):
    """A labelled file has broken lines, illegal tags or missing labels."""


class TaskOptionError(TinyglotError, ValueError):
    """A task has no such option, or not with that value."""


class UnknownLabelError(TinyglotError, KeyError):
    """A label occurs that the model or task does not know."""


class PerturbationOptionError(TinyglotError, ValueError):
    """A perturbation has no such option, or nothing that it could put in."""


class UncoveredTextError(TinyglotError, ValueError):
    """The tokenizer turns too much of a text into unknown tokens."""


# --- methods, recipes, runs --------------------------------------------------------------------


class PlanOutdatedError(TinyglotError, ValueError):
    """A plan was made for other data or another model than it is applied to."""


class NoEffectError(TinyglotError, ValueError):
    """A method would change nothing."""


class PruningScheduleError(TinyglotError, ValueError):
    """Weights would be removed at steps that do not fit together or into the training."""


class PruningMaskError(TinyglotError, RuntimeError):
    """Removed weights are not zero, or not the same ones on every process or after a resume."""


class UnknownModuleError(TinyglotError, KeyError):
    """A pattern matches no module of the model."""


class ShardedParametersError(TinyglotError, RuntimeError):
    """Weights are spread over processes, so that none sees them all."""


class VocabularySizeError(TinyglotError, ValueError):
    """A wanted vocabulary size is above the original or below what must stay."""


class VocabularyMismatchError(TinyglotError, ValueError):
    """Two models that must share their token ids have different vocabularies."""


class RecipeError(TinyglotError, ValueError):
    """A recipe has mistakes; all of them are listed."""


class StudyError(TinyglotError, ValueError):
    """A study's grid or its directory has mistakes; all of them are listed."""


class EngineError(TinyglotError, RuntimeError):
    """What runs the cells of a study could not be started or reached."""


class UnknownMethodError(TinyglotError, KeyError):
    """No method, task, recipe or format has that name."""


class MissingInputError(TinyglotError, ValueError):
    """A step needs text, data, languages or another input that was not given."""


class RunDirectoryError(TinyglotError, OSError):
    """An output directory is in use, belongs to another recipe, is not a run or not writable."""


class DiskFullError(TinyglotError, OSError):
    """A file could not be written completely; nothing was left behind."""


class TrainingDivergedError(TinyglotError, ArithmeticError):
    """The loss became infinite or not a number."""


class DeviceNotFoundError(TinyglotError, RuntimeError):
    """This machine has no such device, or it cannot do what is asked."""


class MissingExtraError(TinyglotError, ImportError):
    """An optional dependency is not installed."""


class ParityError(TinyglotError, ValueError):
    """An exported or reloaded model computes something else than its source."""


class ExportError(TinyglotError, RuntimeError):
    """An exporter failed on this model."""


class MeasurementError(TinyglotError, ValueError):
    """A measurement was asked for that a model cannot give."""
