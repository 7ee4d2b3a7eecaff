"""Training on the Trainer of transformers: active vocabulary, token batches, exact resume."""

from tinyglot.training.active_vocabulary import ActiveVocabulary
from tinyglot.training.arguments import training_arguments
from tinyglot.training.batches import EpochDataLoader, LengthGroupedBatches, training_loader
from tinyglot.training.callbacks import NoCheckpointAtEnd, ProgressCallback
from tinyglot.training.collator import PaddingCollator, TrainingExample
from tinyglot.training.config import TrainingConfig, TrainingOptions
from tinyglot.training.corpus import Corpus, read_corpus, resolve_options
from tinyglot.training.distillation import DistillationOptions, LogitDistillation
from tinyglot.training.gating import (
    Budget,
    Flat,
    GateController,
    GatedTrainingPlan,
    GatingCallback,
    GatingOptions,
    Kind,
    plan_gated_training,
    train_with_gates,
)
from tinyglot.training.head import with_head
from tinyglot.training.masking import MaskedRows, Masking
from tinyglot.training.objective import cross_entropy
from tinyglot.training.parameters import decayed_parameter_names, parameter_groups
from tinyglot.training.processes import is_main_process, num_processes
from tinyglot.training.resume import examples_digest
from tinyglot.training.task_options import TaskTrainingOptions
from tinyglot.training.task_plan import (
    TaskTrainingPlan,
    active_vocabulary,
    headed_model,
    plan_task_training,
)
from tinyglot.training.task_training import Setup, read_planned_corpus, train_on_task
from tinyglot.training.train import Teacher, TrainingRecord, TrainingResult, train
from tinyglot.training.trainer import TokenBatchTrainer
from tinyglot.training.trunk import Trunk
from tinyglot.training.tuning import (
    BottleneckOptions,
    LoraOptions,
    TunedCounts,
    Tuning,
    finish_tuning,
    prepare_tuning,
    tuned_counts,
)

__all__ = [
    "ActiveVocabulary",
    "BottleneckOptions",
    "Budget",
    "Corpus",
    "DistillationOptions",
    "EpochDataLoader",
    "Flat",
    "GateController",
    "GatedTrainingPlan",
    "GatingCallback",
    "GatingOptions",
    "Kind",
    "LengthGroupedBatches",
    "LogitDistillation",
    "LoraOptions",
    "MaskedRows",
    "Masking",
    "NoCheckpointAtEnd",
    "PaddingCollator",
    "ProgressCallback",
    "Setup",
    "TaskTrainingOptions",
    "TaskTrainingPlan",
    "Teacher",
    "TokenBatchTrainer",
    "TrainingConfig",
    "TrainingExample",
    "TrainingOptions",
    "TrainingRecord",
    "TrainingResult",
    "Trunk",
    "TunedCounts",
    "Tuning",
    "active_vocabulary",
    "cross_entropy",
    "decayed_parameter_names",
    "examples_digest",
    "finish_tuning",
    "headed_model",
    "is_main_process",
    "num_processes",
    "parameter_groups",
    "plan_gated_training",
    "plan_task_training",
    "prepare_tuning",
    "read_corpus",
    "read_planned_corpus",
    "resolve_options",
    "train",
    "train_on_task",
    "train_with_gates",
    "training_arguments",
    "training_loader",
    "tuned_counts",
    "with_head",
]
