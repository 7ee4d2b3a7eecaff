"""What can be asked of entity mention replacement."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from tinyglot.errors import PerturbationOptionError


class Scope(StrEnum):
    """Which languages the other mentions come from."""

    in_language = "in-language"
    in_script = "in-script"
    in_family = "in-family"


class PoolSource(StrEnum):
    """Which splits the other mentions come from."""

    train = "train"
    test = "test"
    all = "all"


class Mentions(StrEnum):
    """Which of the pool's mentions may be put in.

    ``seen``: those in the training split of the perturbed language. ``unseen``: those in no
    training split of the pool's languages. Both hold for a model that was trained on one language
    and for one that was trained on all of them.
    """

    any = "any"
    seen = "seen"
    unseen = "unseen"


@dataclass(frozen=True, slots=True)
class MentionReplacement:
    """Each mention is swapped for a random other one of the same type.

    Attributes:
        scope: Languages of the pool: the same one, all of its script, or all of its family.
        pool: Splits of the pool; ``all`` is every split that the data has.
        share: Share of the mentions that are replaced, in [0, 1].
        seed: Of the choice of mentions and of what replaces them.
        mentions: Which mentions of the pool may be put in.
    """

    scope: Scope = Scope.in_language
    pool: PoolSource = PoolSource.test
    share: float = 1.0
    seed: int = 0
    mentions: Mentions = Mentions.any

    def __post_init__(self) -> None:
        for name, kind in (("scope", Scope), ("pool", PoolSource), ("mentions", Mentions)):
            object.__setattr__(self, name, _member(kind, name, getattr(self, name)))
        if not 0.0 <= self.share <= 1.0:
            raise PerturbationOptionError(
                "Could not perturb the data: the share of mentions is out of range.",
                got=f"share={self.share}",
                expected="a number from 0 (nothing is replaced) to 1 (every mention is)",
                fix="give --share 1.0",
            )

    @property
    def name(self) -> str:
        """What result rows call it: the scope, and the options that are not the default."""
        options = [f"{key}={value}" for key, value in self._others().items()]
        return " ".join([str(self.scope), *options])

    def _others(self) -> dict[str, Any]:
        usual = asdict(MentionReplacement(scope=self.scope))
        return {key: value for key, value in asdict(self).items() if value != usual[key]}


def _member(kind: type[StrEnum], name: str, value: str) -> StrEnum:
    try:
        return kind(value)
    except ValueError as error:
        raise PerturbationOptionError(
            f"Could not perturb the data: there is no such {name}.",
            got=f"{name}={value!r}",
            expected=", ".join(kind),
            fix=f"give --{name} {next(iter(kind))}",
        ) from error
