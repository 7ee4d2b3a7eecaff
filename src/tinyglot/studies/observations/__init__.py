"""What Ogueji et al. (2022) observed, and whether the rows of a study show it."""

from tinyglot.studies.observations.all import observe
from tinyglot.studies.observations.verdicts import Observation, Part, Verdict

__all__ = ["Observation", "Part", "Verdict", "observe"]
