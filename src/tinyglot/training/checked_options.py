"""Options that are checked against each other, all mistakes told at once."""

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator


class CheckedOptions(BaseModel):
    """Options whose class says which of them contradict each other."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        mistakes = [mistake for is_wrong, mistake in self._checks() if is_wrong]
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self

    def _checks(self) -> tuple[tuple[bool, str], ...]:
        """List what may be wrong, each with whether it is."""
        return ()
