"""What ``perturbation.json`` says about a perturbed directory."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tinyglot.data.perturbations.options import MentionReplacement
from tinyglot.data.sources import local_path
from tinyglot.data.splits import canonical_split, split_name
from tinyglot.errors import DataFormatError
from tinyglot.files import read_json, write_json
from tinyglot.languages import LanguageTag

RECORD_FILE = "perturbation.json"
UNPERTURBED = "none"
VERSION = 1
"""Raised when the same options give other sentences than before."""

Count = Annotated[int, Field(ge=0)]


class Strict(BaseModel):
    """Frozen; a key that is not declared is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TypeRecord(Strict):
    """What became of the mentions of one type.

    Attributes:
        num_mentions: How many there are.
        num_replaced: How many were swapped.
        num_alone: How many would have been, but the pool has no other one that may be put in.
        num_pool: Different mentions of this type in the pool.
    """

    num_mentions: Count
    num_replaced: Count
    num_alone: Count
    num_pool: Count


class LanguageRecord(Strict):
    """What was done in one language.

    Attributes:
        num_sentences: As many as before.
        types: What became of the mentions, by type.
        pool_languages: Where the other mentions come from.
        source_sha256: Digest of the sentences as they were, written as CoNLL.
        sha256: Digest of the perturbed file.
    """

    num_sentences: Count
    types: dict[str, TypeRecord]
    pool_languages: tuple[LanguageTag, ...]
    source_sha256: str
    sha256: str

    def total(self, what: str) -> int:
        """Add up one of the counts over all types.

        Args:
            what: ``num_mentions``, ``num_replaced`` or ``num_alone``.

        Returns:
            The sum.
        """
        return sum(getattr(record, what) for record in self.types.values())


class PerturbationRecord(Strict):
    """How a perturbed directory came about.

    Attributes:
        method: What was done.
        version: Of the method; another version may give other sentences.
        source: Name of the data set, without the place it was in.
        split: The split that was perturbed.
        options: As they were asked for.
        languages: What was done, by language.
    """

    method: Literal["entity_mention_replacement"] = "entity_mention_replacement"
    version: int = VERSION
    source: str
    split: str
    options: MentionReplacement
    languages: dict[LanguageTag, LanguageRecord]


def write_record(directory: Path, record: PerturbationRecord) -> None:
    """Put the record into a perturbed directory.

    Args:
        directory: Exists.
        record: What is written.

    Raises:
        DiskFullError: If the disk is full.
    """
    content = record.model_dump(mode="json") | {"options": asdict(record.options)}
    write_json(directory / RECORD_FILE, content)


def read_record(directory: str | Path) -> PerturbationRecord | None:
    """Read how a directory was perturbed.

    Args:
        directory: A data directory, ``id=PATH``, or any other name of data.

    Returns:
        The record; ``None`` if there is none, as for everything that is not perturbed.

    Raises:
        DataFormatError: If the record cannot be read; every mistake is listed.
    """
    path = local_path(directory) / RECORD_FILE
    if not path.is_file():
        return None
    try:
        return TypeAdapter(PerturbationRecord).validate_python(_json(path))
    except ValidationError as error:
        places = [".".join(map(str, one["loc"])) + f": {one['msg']}" for one in error.errors()]
        raise _broken(path, "\n".join(places)) from error


def perturbation_of(directory: str | Path) -> str:
    """Name the perturbation of a data directory, for the rows of an evaluation.

    Args:
        directory: A data directory, or any other name of data, such as a hub id.

    Returns:
        Such as ``in-script`` or ``in-script share=0.5``; ``none`` if it is not perturbed.

    Raises:
        DataFormatError: If the directory has a record that cannot be read.
    """
    record = read_record(directory)
    return UNPERTURBED if record is None else record.options.name


def perturbed_split(directory: str | Path, split: str) -> tuple[str, str]:
    """Say which split of a data directory is read, and what result rows call it.

    A directory that was perturbed of ``test[:50%]`` holds that half and calls it ``test``.

    Args:
        directory: A data directory, or any other name of data.
        split: What is asked for: the name of the split, or the slice as it was perturbed.

    Returns:
        Such as ``test`` and ``test[:50%]``; what is asked for, twice, if nothing was perturbed.

    Raises:
        DataFormatError: If the directory has a record that cannot be read.
    """
    record = read_record(directory)
    whole = "" if record is None else canonical_split(split_name(record.split))
    if record is None or (canonical_split(split) != whole and split != record.split):
        return split, split
    return whole, record.split


def _json(path: Path) -> Any:  # noqa: ANN401  (any JSON value)
    try:
        return read_json(path)
    except ValueError as error:
        raise _broken(path, str(error)) from error


def _broken(path: Path, got: str) -> DataFormatError:
    return DataFormatError(
        f"Could not read {path}: it does not say how the data were perturbed.",
        got=got,
        expected="the file that `tinyglot data perturb` wrote",
        fix="make the directory again with `tinyglot data perturb`, or remove this file",
    )
