"""What can be asked of entity mention replacement."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator

from tinyglot.errors import PerturbationOptionError

TRAIN = "train"


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
        train_split: What ``seen`` and ``unseen`` are about; may be a slice, such as
            ``train[:2000]``, for a model that was trained on that.
        length_matched: Whether what is put in has as many words as what it stands for, so that
            sentences keep their lengths and tags.
    """

    scope: Scope = Scope.in_language
    pool: PoolSource = PoolSource.test
    share: float = 1.0
    seed: int = 0
    mentions: Mentions = Mentions.any
    train_split: str = TRAIN
    length_matched: bool = False

    def __post_init__(self) -> None:
        for name, kind in (("scope", Scope), ("pool", PoolSource), ("mentions", Mentions)):
            object.__setattr__(self, name, _member(kind, name, getattr(self, name)))
        object.__setattr__(self, "share", float(self.share) or 0.0)  # never -0.0
        object.__setattr__(self, "train_split", "".join(self.train_split.split()))
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
        options = [
            _KEYS.get(key, key) if value is True else f"{_KEYS.get(key, key)}={value}"
            for key, value in self._others().items()
        ]
        return " ".join([str(self.scope), *options])

    @classmethod
    def from_name(cls, name: str) -> Self:
        """Read what result rows call a perturbation.

        Args:
            name: A scope, then options that are not the default, in any order.

        Returns:
            The options whose ``name`` it is.

        Raises:
            PerturbationOptionError: If a part of the name is no option, or stands there twice.

        Example:
            >>> MentionReplacement.from_name("in-script share=0.5 length-matched").length_matched
            True
        """
        scope, *parts = name.split() or [""]
        values = dict(_option(part, name) for part in parts)
        if len(values) < len(parts):
            raise _bad_name(name, "an option stands there twice")
        return cls(**{"scope": scope, **values})

    def _others(self) -> dict[str, Any]:
        usual = asdict(MentionReplacement(scope=self.scope))
        return {key: value for key, value in asdict(self).items() if value != usual[key]}


# --- names -------------------------------------------------------------------------------------

_KEYS = {"train_split": "train", "length_matched": "length-matched"}
_FLAGS = {"length-matched": "length_matched"}
_READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "pool": ("pool", str),
    "share": ("share", float),
    "seed": ("seed", int),
    "mentions": ("mentions", str),
    "train": ("train_split", str),
}


def _option(part: str, name: str) -> tuple[str, Any]:
    if part in _FLAGS:
        return _FLAGS[part], True
    key, _, value = part.partition("=")
    if key not in _READERS or not value:
        raise _bad_name(name, f"{part!r} is no option")
    field, read = _READERS[key]
    try:
        return field, read(value)
    except ValueError as error:
        raise _bad_name(name, str(error)) from error


def _bad_name(name: str, why: str) -> PerturbationOptionError:
    options = ", ".join([*(f"{key}=…" for key in _READERS), *_FLAGS])
    return PerturbationOptionError(
        f"Could not tell which perturbation is meant: {why}.",
        got=repr(name),
        expected=f"a scope ({', '.join(Scope)}), then any of {options}",
        fix="such as 'in-language', 'in-script share=0.5' or 'in-language length-matched'",
    )


def _canonical(name: str) -> str:
    try:
        return MentionReplacement.from_name(name).name
    except PerturbationOptionError as error:  # pydantic's messages are one line
        raise ValueError(f"{error.problem} Expected {error.expected}") from error


def _each_once(names: Sequence[str]) -> Sequence[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"given more than once: {', '.join(twice)}")
    return names


PerturbationName = Annotated[str, AfterValidator(_canonical)]
"""A field type: the name of a perturbation as in result rows."""

PerturbationNames = Annotated[tuple[PerturbationName, ...], AfterValidator(_each_once)]
"""A field type: perturbations in any order, each given once."""


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
