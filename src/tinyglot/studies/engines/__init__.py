"""What runs the cells of a study: processes of this machine, or Ray."""

from tinyglot.studies.engines.engine import Engine, Job, Outcome, Work
from tinyglot.studies.engines.make import make_engine

__all__ = ["Engine", "Job", "Outcome", "Work", "make_engine"]
