"""Perturbing a whole data set: one pool for each group of languages, one file a language."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tinyglot.data.conll import TaggedSentence, write_conll
from tinyglot.data.mentions import Surface, surfaces_by_type
from tinyglot.data.perturbations.options import MentionReplacement, Mentions, PoolSource, Scope
from tinyglot.data.perturbations.pool import Pool, make_pool, only
from tinyglot.data.perturbations.record import (
    RECORD_FILE,
    LanguageRecord,
    PerturbationRecord,
    TypeRecord,
    write_record,
)
from tinyglot.data.perturbations.replacement import Replaced, replace_mentions
from tinyglot.data.reading import available_languages, available_splits, read_examples
from tinyglot.data.sources import public_name
from tinyglot.data.splits import canonical_split, split_name
from tinyglot.errors import PerturbationOptionError, RunDirectoryError
from tinyglot.files import replacing, written_once
from tinyglot.languages import LanguageTag, family_group, resolve_language, script_group

KIND = "ner"
Surfaces = dict[str, set[Surface]]


@dataclass(frozen=True, slots=True)
class Perturbed:
    """A perturbed data set, as it was written.

    Attributes:
        directory: Where it is.
        record: How it came about.
        originals: The sentences as they were, by language.
        sentences: The perturbed sentences, in the same order.
    """

    directory: Path
    record: PerturbationRecord
    originals: dict[LanguageTag, list[TaggedSentence]]
    sentences: dict[LanguageTag, list[TaggedSentence]]


def perturb(
    source: str | Path,
    languages: Sequence[str],
    options: MentionReplacement,
    out: Path,
    split: str = "test",
) -> Perturbed:
    """Swap the mentions of a data set for others of the same type, and write the result.

    The pool of a language is made of all languages of the data set that belong to its group and
    have the splits that are asked for, whichever languages are perturbed; so a language's file
    does not depend on the others that are perturbed with it. The same options and data give the
    same bytes.

    Args:
        source: Named-entity data: a directory, a hub id, or ``synthetic:ner``.
        languages: What is perturbed, by any codes that ``resolve_language`` accepts.
        options: Scope, pool, share, seed, and which mentions stand for which.
        out: Made anew; holds ``<language>/<split>.conll`` and ``perturbation.json``, and is a
            data directory like any other. A perturbed directory that is there is replaced.
        split: What is perturbed; may be a slice, such as ``test[:50%]``.

    Returns:
        What was written, and the sentences before and after.

    Raises:
        RunDirectoryError: If ``out`` holds anything else than a perturbed data set.
        UnknownLanguageError: If a code is no language.
        DataNotFoundError: If the data, a language or the split is not there.
        DataFormatError: If a file is broken.
        PerturbationOptionError: If a language's pool would be empty.
        DiskFullError: If the disk is full; what was there before stays.
    """
    _check_out(out)
    tags = tuple(dict.fromkeys(map(resolve_language, languages)))
    part = canonical_split(split_name(split))
    pools = _Pools(str(source), tags, options)
    originals = {tag: pools.read(tag, split) for tag in tags}
    replaced = {tag: _replaced(tag, part, originals[tag], pools) for tag in tags}
    with replacing(out) as temporary:
        languages_done = {
            tag: _write(
                temporary / tag / f"{part}.conll", tag, originals[tag], replaced[tag], pools
            )
            for tag in tags
        }
        name = public_name(source)
        record = PerturbationRecord(
            source=name, split=split, options=options, languages=languages_done
        )
        write_record(temporary, record)
    return Perturbed(out, record, originals, {tag: replaced[tag].sentences for tag in tags})


def perturb_once(
    source: str | Path,
    languages: Sequence[str],
    options: MentionReplacement,
    out: Path,
    split: str = "test",
) -> Path:
    """Write perturbed data if they are not there yet; of two processes at once, the first wins.

    Args:
        source: As for ``perturb``.
        languages: As for ``perturb``.
        options: As for ``perturb``.
        out: Where they are, or shall be; no other options may write to the same place.
        split: As for ``perturb``.

    Returns:
        ``out``.

    Raises:
        TinyglotError: As for ``perturb``.
    """
    if not (out / RECORD_FILE).is_file():
        with written_once(out) as temporary:
            perturb(source, languages, options, temporary, split)
    return out


@contextmanager
def perturbed_copies(
    source: str | Path,
    languages: Sequence[str],
    swaps: Iterable[MentionReplacement],
    split: str = "test",
) -> Iterator[list[Path]]:
    """Perturb data in several ways, and remove the results after the block.

    Args:
        source: As for ``perturb``.
        languages: As for ``perturb``.
        swaps: Options, one a result.
        split: As for ``perturb``.

    Yields:
        A data directory for each of the options.

    Raises:
        TinyglotError: As for ``perturb``.
    """
    with TemporaryDirectory(prefix="tinyglot-") as place:
        yield [
            perturb(source, languages, options, Path(place, str(number)), split).directory
            for number, options in enumerate(swaps)
        ]


# --- pools -------------------------------------------------------------------------------------


@dataclass
class _Pools:
    """The pool of each language, each split read once."""

    source: str
    asked: tuple[LanguageTag, ...]
    options: MentionReplacement
    _surfaces: dict[tuple[LanguageTag, str], Surfaces] = field(default_factory=dict)
    _pools: dict[tuple[LanguageTag, ...], Pool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        tags = available_languages(KIND, self.source) or self.asked
        self.splits = {tag: available_splits(KIND, self.source, tag) for tag in tags}

    def read(self, tag: LanguageTag, split: str) -> list[TaggedSentence]:
        examples = read_examples(KIND, self.source, tag, split)
        return [example for example in examples if isinstance(example, TaggedSentence)]

    def languages(self, tag: LanguageTag) -> tuple[LanguageTag, ...]:
        """List the languages of the data whose mentions may stand in for this one's."""
        group_of = _GROUPS[self.options.scope]
        group = (other for other in sorted(self.splits) if group_of(other) == group_of(tag))
        return tuple(other for other in group if self._pool_splits(other))

    def pool(self, tag: LanguageTag) -> Pool:
        """Make the pool of one language."""
        languages = self.languages(tag)
        if languages not in self._pools:
            self._pools[languages] = self._merged(languages, self._pool_splits)
        pool = self._pools[languages]
        if self.options.mentions is Mentions.seen:
            pool = only(pool, self._merged([tag], self._training), seen=True)
        elif self.options.mentions is Mentions.unseen:
            pool = only(pool, self._merged(languages, self._training), seen=False)
        if not any(pool.sizes.values()):
            raise self._nothing_to_put_in(tag, languages)
        return pool

    def _pool_splits(self, tag: LanguageTag) -> tuple[str, ...]:
        there = self.splits[tag]
        wanted = there if self.options.pool is PoolSource.all else (str(self.options.pool),)
        return tuple(split for split in wanted if split in there)

    def _training(self, tag: LanguageTag) -> tuple[str, ...]:
        asked = self.options.train_split
        return (asked,) if canonical_split(split_name(asked)) in self.splits[tag] else ()

    def _merged(
        self, tags: Iterable[LanguageTag], splits_of: Callable[[LanguageTag], tuple[str, ...]]
    ) -> Pool:
        return make_pool(self._surfaces_of(tag, part) for tag in tags for part in splits_of(tag))

    def _surfaces_of(self, tag: LanguageTag, split: str) -> Surfaces:
        if (tag, split) not in self._surfaces:
            self._surfaces[tag, split] = surfaces_by_type(self.read(tag, split))
        return self._surfaces[tag, split]

    def _nothing_to_put_in(
        self, tag: LanguageTag, languages: Sequence[LanguageTag]
    ) -> PerturbationOptionError:
        asked = self.options
        return PerturbationOptionError(
            f"Could not perturb {tag}: there is no mention to put in.",
            got=f"scope {asked.scope}, pool {asked.pool}, mentions {asked.mentions}; "
            f"languages with that pool: {', '.join(languages) or 'none'}",
            expected="at least one mention in the pool",
            fix="take another --pool, a wider --scope, or --mentions any",
        )


def _own_group(tag: LanguageTag) -> str:
    return tag


_GROUPS: dict[Scope, Callable[[LanguageTag], str]] = {
    Scope.in_language: _own_group,
    Scope.in_script: script_group,
    Scope.in_family: family_group,
}


def _replaced(
    tag: LanguageTag, split: str, sentences: list[TaggedSentence], pools: _Pools
) -> Replaced:
    asked = pools.options
    return replace_mentions(
        sentences,
        pools.pool(tag),
        share=asked.share,
        seed=asked.seed,
        name=f"{tag}/{split}",
        length_matched=asked.length_matched,
    )


# --- writing -----------------------------------------------------------------------------------


def _check_out(out: Path) -> None:
    """Refuse to replace a directory that is no perturbed data set."""
    is_ours = (out / RECORD_FILE).is_file()
    if not out.exists() or is_ours or (out.is_dir() and not any(out.iterdir())):
        return
    raise RunDirectoryError(
        "Could not use the output directory: it holds something else.",
        got=f"{out} without {RECORD_FILE}",
        expected="a new directory, or a perturbed data set to replace",
        fix="give another --out",
    )


def _write(
    path: Path,
    tag: LanguageTag,
    originals: list[TaggedSentence],
    replaced: Replaced,
    pools: _Pools,
) -> LanguageRecord:
    source_sha256 = _written_digest(path, originals)
    sha256 = _written_digest(path, replaced.sentences)
    sizes = pools.pool(tag).sizes
    return LanguageRecord(
        num_sentences=len(replaced.sentences),
        types={
            kind: TypeRecord(**asdict(counts), num_pool=sizes.get(kind, 0))
            for kind, counts in replaced.counts.items()
        },
        pool_languages=pools.languages(tag),
        source_sha256=source_sha256,
        sha256=sha256,
    )


def _written_digest(path: Path, sentences: list[TaggedSentence]) -> str:
    write_conll(path, sentences)
    return hashlib.sha256(path.read_bytes()).hexdigest()
