"""The sidecar of an elastic checkpoint: the sizes it was trained for, and each language's rows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from tinyglot.errors import ElasticCheckpointError, SizeNotTrainedError
from tinyglot.files import read_json, write_json
from tinyglot.surgery import SubnetworkShape

ELASTIC_FILE = "elastic.json"
VERSION: Literal[1] = 1
AXES = ("layers", "heads", "ffn")

Sizes = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]


def _split(text: object) -> object:
    return tuple(map(int, text.split())) if isinstance(text, str) else text


def _joined(ids: tuple[int, ...]) -> str:
    return " ".join(map(str, ids))


#: in a file one line of numbers, not one line a number
TokenIds = Annotated[tuple[int, ...], BeforeValidator(_split), PlainSerializer(_joined)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class LanguageRows(_Frozen):
    """Which rows of the embedding a language needs.

    Attributes:
        num_required: So many of the ids come first and must stay: special tokens and the
            characters of the language's script.
        token_ids: The required ones, then the others by falling frequency; what a token is made
            from stands before it, so that the first ones, however many, are enough by themselves.
    """

    num_required: int
    token_ids: TokenIds


class Elastic(_Frozen):
    """What a checkpoint was trained for, beside its own size.

    Attributes:
        version: Of this file's form.
        layers: Numbers of layers, the largest first.
        heads: Heads a layer, and with them the hidden size, the largest first.
        ffn: Neurons a layer, the largest first.
        layer_order: The layers in the order in which they stay: spread over the model, or by
            importance. A smaller model has the first ones, in their places.
        head_dim: Channels of a head.
        vocabulary: Rows by language.
        weights_sha256: Of a sample of the weights that this was written for; ``None`` where they
            were not at hand.
    """

    version: Literal[1] = VERSION
    layers: Sizes
    heads: Sizes
    ffn: Sizes
    layer_order: tuple[int, ...]
    head_dim: int
    vocabulary: dict[str, LanguageRows] = Field(default_factory=dict)
    weights_sha256: str | None = None

    @model_validator(mode="after")
    def _falls(self) -> Self:
        for axis in AXES:
            sizes = getattr(self, axis)
            if list(sizes) != sorted(set(sizes), reverse=True):
                raise ValueError(f"{axis} must fall: {sizes}")
        if sorted(self.layer_order) != list(range(self.layers[0])):
            raise ValueError("layer_order must have each layer once")
        return self

    def sizes(self) -> dict[str, tuple[int, ...]]:
        """List the trained sizes.

        Returns:
            Sizes by axis (``layers``, ``heads``, ``ffn``), the largest first.
        """
        return {axis: getattr(self, axis) for axis in AXES}

    def shape(self, layers: int, heads: int, ffn: int) -> SubnetworkShape:
        """Describe the sub-network of some sizes.

        Args:
            layers: How many.
            heads: A layer.
            ffn: Neurons a layer.

        Returns:
            Which layers these are, and the sizes.
        """
        return SubnetworkShape(tuple(sorted(self.layer_order[:layers])), heads, ffn)

    def check(self, wanted: Mapping[str, int]) -> None:
        """Refuse sizes that were not trained.

        Args:
            wanted: Sizes by axis; axes may be left out.

        Raises:
            SizeNotTrainedError: If there is no such size; says the nearest ones.
        """
        wrong = {axis: n for axis, n in wanted.items() if n not in getattr(self, axis)}
        if wrong:
            axis, size = next(iter(wrong.items()))
            largest = getattr(self, axis)[0]
            why = f"; the model has {largest}" if size > largest else ""
            nearest = {axis: _nearest(n, getattr(self, axis)) for axis, n in wrong.items()}
            raise SizeNotTrainedError(
                "Could not slice the checkpoint: it was not trained for that size.",
                got=", ".join(f"--{axis} {n}" for axis, n in wrong.items()) + why,
                expected="; ".join(f"{axis}: {_listed(getattr(self, axis))}" for axis in wrong),
                fix="the nearest trained: " + " ".join(f"--{a} {n}" for a, n in nearest.items()),
            )

    def rows(self, language: str, limit: int | None = None) -> tuple[int, ...]:
        """List the rows that a language needs.

        Args:
            language: Its tag.
            limit: Most rows; the least frequent tokens go first.

        Returns:
            Increasing ids.

        Raises:
            SizeNotTrainedError: If the language is not there, or more rows must stay.
        """
        if language not in self.vocabulary:
            raise SizeNotTrainedError(
                "Could not slice the checkpoint: it has no list of tokens of that language.",
                got=language,
                expected=_listed(sorted(self.vocabulary)) or "no language at all",
                fix="choose one of these, or leave --vocabulary-language out to keep all rows",
            )
        rows = self.vocabulary[language]
        if limit is not None and limit < rows.num_required:
            raise SizeNotTrainedError(
                "Could not slice the checkpoint: the vocabulary would be too small.",
                got=f"--vocabulary-size {limit}",
                expected=f"at least {rows.num_required}: special tokens, and the characters of "
                f"the script of {language}",
                fix=f"--vocabulary-size {rows.num_required}",
            )
        return tuple(sorted(rows.token_ids[:limit]))

    def write(self, directory: Path) -> None:
        """Write ``elastic.json``.

        Args:
            directory: Of the checkpoint.
        """
        write_json(directory / ELASTIC_FILE, self.model_dump(mode="json", exclude_none=True))

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read ``elastic.json``.

        Args:
            directory: A checkpoint.

        Returns:
            What it says.

        Raises:
            ElasticCheckpointError: If it is not there, damaged or of another version.
        """
        path = directory / ELASTIC_FILE
        if not path.is_file():
            raise ElasticCheckpointError(
                "Could not slice the checkpoint: it is not elastic.",
                got=f"{directory} without {ELASTIC_FILE}",
                expected="a checkpoint that the method dynamic_sparsification trained",
                fix="give the directory `final` of such a run, or cut with layer_dropping, "
                "head_pruning or ffn_pruning",
            )
        try:
            return cls.model_validate(read_json(path))
        except (ValidationError, ValueError) as error:
            raise ElasticCheckpointError(
                f"Could not slice the checkpoint: its {ELASTIC_FILE} cannot be read.",
                got=f"{path}: {str(error).splitlines()[0]}",
                expected=f"the file of version {VERSION} as dynamic_sparsification wrote it",
                fix="copy the checkpoint again, or use the version of tinyglot that wrote it",
            ) from error


def _nearest(size: int, sizes: Sequence[int]) -> int:
    return min(sizes, key=lambda each: (abs(each - size), -each))


def _listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values))
