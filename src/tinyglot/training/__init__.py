"""Training on the Trainer of transformers: active vocabulary, token batches, exact resume."""

from tinyglot.training.active_vocabulary import ActiveVocabulary
from tinyglot.training.arguments import training_arguments
from tinyglot.training.batches import EpochDataLoader, LengthGroupedBatches, training_loader
from tinyglot.training.callbacks import NoCheckpointAtEnd, ProgressCallback
from tinyglot.training.collator import PaddingCollator, TrainingExample
from tinyglot.training.config import TrainingConfig, TrainingOptions
from tinyglot.training.masking import MaskedRows, Masking
from tinyglot.training.objective import cross_entropy
from tinyglot.training.parameters import decayed_parameter_names, parameter_groups
from tinyglot.training.processes import is_main_process, num_processes
from tinyglot.training.resume import examples_digest
from tinyglot.training.train import TrainingRecord, TrainingResult, train
from tinyglot.training.trainer import TokenBatchTrainer

__all__ = [
    "ActiveVocabulary",
    "EpochDataLoader",
    "LengthGroupedBatches",
    "MaskedRows",
    "Masking",
    "NoCheckpointAtEnd",
    "PaddingCollator",
    "ProgressCallback",
    "TokenBatchTrainer",
    "TrainingConfig",
    "TrainingExample",
    "TrainingOptions",
    "TrainingRecord",
    "TrainingResult",
    "cross_entropy",
    "decayed_parameter_names",
    "examples_digest",
    "is_main_process",
    "num_processes",
    "parameter_groups",
    "train",
    "training_arguments",
    "training_loader",
]
