"""A directory of labelled data whose tags follow from the words, in two languages."""

from pathlib import Path

NAMES = {"swh-Latn": ("Juma", "Asha", "Nairobi"), "deu-Latn": ("Hans", "Anna", "Berlin")}
WORDS = {"swh-Latn": ("anaishi", "leo", "na"), "deu-Latn": ("wohnt", "heute", "und")}


def sentence(language: str, number: int) -> list[tuple[str, str]]:
    """Such as ``Juma B-PER leo O anaishi O Nairobi B-LOC``, with ``number`` fillers."""
    names, words = NAMES[language], WORDS[language]
    fillers = [(words[i % 3], "O") for i in range(1 + number % 4)]
    return [(names[number % 2], "B-PER"), *fillers, (names[2], "B-LOC")]


def write_split(path: Path, language: str, count: int) -> None:
    blocks = ["\n".join(f"{w}\t{t}" for w, t in sentence(language, i)) for i in range(count)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def write_data(directory: Path) -> Path:
    """Swahili with all splits, German without a test split."""
    for split, count in (("train", 24), ("dev", 6), ("test", 6)):
        write_split(directory / "swh-Latn" / f"{split}.conll", "swh-Latn", count)
    for split, count in (("train", 12), ("dev", 4)):
        write_split(directory / "deu-Latn" / f"{split}.conll", "deu-Latn", count)
    return directory
