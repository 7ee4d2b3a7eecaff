"""What every part of a result is made of."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Frozen; a key that is not declared is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ProcessCost(Strict):
    """What one fresh process, with the processes it started, took.

    ``other_cpu_s`` is what everything else on the machine computed meanwhile: on two quiet cores
    it is near 0, and the wall time means something only then.
    """

    wall_s: float
    user_cpu_s: float
    system_cpu_s: float
    other_cpu_s: float | None
    peak_memory_bytes: int
    load_average_before: float | None

    @property
    def cpu_s(self) -> float:
        return self.user_cpu_s + self.system_cpu_s
