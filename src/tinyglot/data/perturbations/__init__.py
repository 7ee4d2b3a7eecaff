"""Data with other entity mentions: does a model know the sentence, or only the names in it?"""

from tinyglot.data.perturbations.options import (
    MentionReplacement,
    Mentions,
    PerturbationNames,
    PoolSource,
    Scope,
)
from tinyglot.data.perturbations.record import (
    RECORD_FILE,
    UNPERTURBED,
    LanguageRecord,
    PerturbationRecord,
    TypeRecord,
    perturbation_of,
    perturbed_split,
    read_record,
)

__all__ = [
    "RECORD_FILE",
    "UNPERTURBED",
    "LanguageRecord",
    "MentionReplacement",
    "Mentions",
    "PerturbationNames",
    "PerturbationRecord",
    "PoolSource",
    "Scope",
    "TypeRecord",
    "perturbation_of",
    "perturbed_split",
    "read_record",
]
