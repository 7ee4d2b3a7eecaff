"""Sentences and their translations: Tatoeba's files, and BUCC's with distractors."""

from pathlib import Path

from tinyglot.data.examples import Parallel
from tinyglot.data.hub import language_of_name
from tinyglot.data.problems import Problem, broken, listing, nothing_found, read_utf8
from tinyglot.data.splits import canonical_split, sorted_splits
from tinyglot.errors import DataFormatError, DataNotFoundError, EmptyTextError
from tinyglot.languages import LanguageTag, resolve_language

PIVOT = "eng"
ONLY_SPLIT = "test"
LAYOUT = (
    "<language>/<language>.txt and <language>/eng.txt with as many lines, or BUCC's "
    "<xx>-en.test.<xx>, <xx>-en.test.en and <xx>-en.test.gold"
)

_Texts = dict[str, str]


class ParallelDirectory:
    """Parallel text below a directory: Tatoeba's two files a language, or BUCC's three a split.

    Args:
        path: The directory with a folder a language, or one such folder, or BUCC's files.

    Raises:
        DataNotFoundError: If there is no such file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pairs = _text_pairs(path)
        self._bucc = _bucc_files(path)
        if not self._pairs and not self._bucc:
            raise nothing_found("parallel text", path, LAYOUT)

    @property
    def languages(self) -> tuple[LanguageTag, ...]:
        """Tags of the languages besides English, sorted."""
        return tuple(sorted({*self._pairs, *self._bucc}))

    def splits(self, tag: str) -> tuple[str, ...]:
        """Name the splits of one language; Tatoeba has ``test`` only.

        Args:
            tag: The language, by any code that ``resolve_language`` accepts.

        Returns:
            The splits.

        Raises:
            DataNotFoundError: If the language is not there.
            UnknownLanguageError: If the code is no language.
        """
        resolved = resolve_language(tag)
        if resolved not in self.languages:
            raise DataNotFoundError(
                f"Could not find parallel text in {resolved}.",
                got=f"{self.path} has {listing(self.languages)}",
                expected=LAYOUT,
                fix="name one of these languages",
            )
        own = (ONLY_SPLIT,) if resolved in self._pairs else ()
        return sorted_splits((*own, *self._bucc.get(resolved, {})))

    def read(self, tag: str, split: str) -> list[Parallel]:
        """Read pairs first, then, in BUCC, the sentences that have no translation.

        Args:
            tag: The language, by any code that ``resolve_language`` accepts.
            split: A split that is there.

        Returns:
            The rows; ``source`` is in this language and ``target`` in English.

        Raises:
            DataNotFoundError: If the language or split is not there.
            DataFormatError: If the files do not fit together.
            EmptyTextError: If there is no sentence.
        """
        there = self.splits(tag)
        name = canonical_split(split)
        if name not in there:
            raise DataNotFoundError(
                f"Could not find the split {split!r} of {resolve_language(tag)}.",
                got=f"{self.path} has {listing(there)} in this language",
                expected=LAYOUT,
                fix="name one of these splits",
            )
        bucc = self._bucc.get(resolve_language(tag), {}).get(name)
        rows = _read_bucc(bucc) if bucc else _read_pair(*self._pairs[resolve_language(tag)])
        if not rows:
            raise EmptyTextError(
                f"Could not read parallel text of {tag} in {self.path}: there is none.",
                got="0 sentences",
                expected="at least 1",
                fix="check that the download finished",
            )
        return rows


# --- Tatoeba -----------------------------------------------------------------------------------


def _text_pairs(path: Path) -> dict[LanguageTag, tuple[Path, Path]]:
    if not path.is_dir():
        return {}
    children = sorted(child for child in path.iterdir() if child.is_dir())
    found = [_text_pair(folder) for folder in (path, *children)]
    return {tag: (source, target) for tag, source, target in filter(None, found)}


def _text_pair(folder: Path) -> tuple[LanguageTag, Path, Path] | None:
    target = folder / f"{PIVOT}.txt"
    others = [file for file in sorted(folder.glob("*.txt")) if file != target]
    if not target.is_file() or len(others) != 1:
        return None
    tag = language_of_name(others[0].stem)
    return None if tag is None else (tag, others[0], target)


def _read_pair(source: Path, target: Path) -> list[Parallel]:
    columns = [read_utf8(path, LAYOUT).removesuffix("\n").split("\n") for path in (source, target)]
    counts = list(map(len, columns))
    if counts[0] != counts[1]:
        raise DataFormatError(
            f"Could not pair the lines of {source} and {target}.",
            got=f"{counts[0]} and {counts[1]} lines",
            expected="as many lines in both: line i of one is the translation of line i",
            fix="check that both downloads finished, and that no line was dropped in one",
        )
    rows = [(a.rstrip("\r"), b.rstrip("\r")) for a, b in zip(*columns, strict=True)]
    problems = [(i, "a blank line") for i, row in enumerate(rows, 1) if "" in map(str.strip, row)]
    if problems:
        raise broken(
            f"{source} and {target}",
            problems,
            expected="a sentence on every line of both",
            fix="remove these lines from both files",
        )
    return [Parallel(*row) for row in rows]


# --- BUCC --------------------------------------------------------------------------------------


def _bucc_files(path: Path) -> dict[LanguageTag, dict[str, Path]]:
    """Find gold files by language and split: ``de-en.test.gold``, here or one folder below."""
    found: dict[LanguageTag, dict[str, Path]] = {}
    for gold in sorted((*path.glob("*-en.*.gold"), *path.glob("*/*-en.*.gold"))):
        pair, split, _ = gold.name.rsplit(".", 2)
        tag = language_of_name(pair.removesuffix("-en"))
        if tag is not None:
            found.setdefault(tag, {})[canonical_split(split)] = gold
    return found


def _read_bucc(gold: Path) -> list[Parallel]:
    code = gold.name.partition("-")[0]
    sources, targets = (_numbered_texts(gold.with_suffix(f".{name}")) for name in (code, "en"))
    pairs = _gold_pairs(gold, sources, targets)
    paired = [set(column) for column in zip(*pairs, strict=True)] or [set(), set()]
    return [
        *(Parallel(sources[source], targets[target]) for source, target in pairs),
        *(Parallel(text, None) for name, text in sources.items() if name not in paired[0]),
        *(Parallel(None, text) for name, text in targets.items() if name not in paired[1]),
    ]


def _numbered_texts(path: Path) -> _Texts:
    texts: _Texts = {}
    problems: list[Problem] = []
    expected = "ID<TAB>SENTENCE lines, every id once"
    for number, (name, text) in _columns(path, expected, problems):
        if name in texts:
            problems.append((number, "an id that is there twice"))
        texts.setdefault(name, text)
    if problems:
        raise broken(path, problems, expected=expected, fix="correct these lines")
    return texts


def _gold_pairs(gold: Path, sources: _Texts, targets: _Texts) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    seen: set[tuple[str, str]] = set()
    problems: list[Problem] = []
    expected = "ID<TAB>ID lines, first of the language, then of English, every pair once"
    for number, (source, target) in _columns(gold, expected, problems):
        missing = _missing((source, sources), (target, targets))
        if missing:
            problems.append((number, f"no sentence has the id {missing}"))
        if (source, target) in seen:
            problems.append((number, "a pair that is there twice"))
        seen.add((source, target))
        pairs.append((source, target))
    if problems:
        raise broken(gold, problems, expected=expected, fix="correct these lines")
    return pairs


def _missing(*ids: tuple[str, _Texts]) -> str | None:
    return next((name for name, texts in ids if name not in texts), None)


def _columns(
    path: Path, expected: str, problems: list[Problem]
) -> list[tuple[int, tuple[str, str]]]:
    rows: list[tuple[int, tuple[str, str]]] = []
    for number, line in enumerate(read_utf8(path, expected).split("\n"), start=1):
        first, tab, second = line.rstrip("\r").partition("\t")
        if tab and first and second.strip():
            rows.append((number, (first, second)))
        elif line.strip():
            problems.append((number, "not two columns"))
    return rows
