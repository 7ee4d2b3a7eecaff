"""What a perturbation did: counts a language, and sentences before and after."""

from rich.table import Table
from rich.text import Text

from tinyglot.data.conll import TaggedSentence
from tinyglot.data.mentions import mentions_of
from tinyglot.data.perturbations.directory import Perturbed
from tinyglot.languages import LanguageTag
from tinyglot.reports.names import language_name
from tinyglot.reports.terminal import console

MENTION_STYLE = "bold cyan"


def print_perturbed(perturbed: Perturbed, num_examples: int) -> None:
    """Print counts, and sentences with their mentions marked, the original above the new one.

    Args:
        perturbed: As ``perturb`` gives it.
        num_examples: Sentences shown for each language.
    """
    screen = console()
    screen.print(count_table(perturbed))
    if num_examples:
        screen.print(example_table(perturbed, num_examples))


def count_table(perturbed: Perturbed) -> Table:
    """Put what became of the mentions in one table, a row a language.

    Args:
        perturbed: As ``perturb`` gives it.

    Returns:
        A table to print.
    """
    record = perturbed.record
    caption = f"{record.source}, {record.split}: {record.options.name}. alone: stays as it is, "
    caption += "since the pool has no other mention of its type."
    table = Table(caption=Text(caption), caption_justify="left")
    table.add_column("")
    for title in (
        "sentences",
        "mentions",
        "replaced",
        "alone",
        "pool, mentions",
        "pool, languages",
    ):
        table.add_column(title, justify="right")
    for tag, done in record.languages.items():
        totals = [done.total(f"num_{what}") for what in ("mentions", "replaced", "alone", "pool")]
        numbers = [done.num_sentences, *totals, len(done.pool_languages)]
        table.add_row(Text(_title(tag)), *map(str, numbers))
    return table


def example_table(perturbed: Perturbed, num_examples: int) -> Table:
    """Put sentences before and after in one table, as the paper prints them.

    Args:
        perturbed: As ``perturb`` gives it.
        num_examples: Sentences shown for each language: the first ones that changed, and of
            these, before others, those that are more than mentions.

    Returns:
        A table to print.
    """
    table = Table(show_lines=True)
    table.add_column("")
    table.add_column("original, and under it the perturbed sentence")
    for tag in perturbed.record.languages:
        for original, changed in _changed(perturbed, tag, num_examples):
            cell = Text("\n").join([_highlighted(original), _highlighted(changed)])
            table.add_row(Text(_title(tag)), cell)
    return table


def example_pairs(perturbed: Perturbed, num_examples: int) -> list[dict[str, str]]:
    """Give sentences before and after as text, mentions marked as ``[PER Asha Juma]``.

    Args:
        perturbed: As ``perturb`` gives it.
        num_examples: Sentences for each language, chosen as for ``example_table``.

    Returns:
        ``language``, ``original`` and ``perturbed`` of each.
    """
    return [
        {
            "language": tag,
            "original": _highlighted(original).plain,
            "perturbed": _highlighted(changed).plain,
        }
        for tag in perturbed.record.languages
        for original, changed in _changed(perturbed, tag, num_examples)
    ]


def _changed(
    perturbed: Perturbed, tag: LanguageTag, num: int
) -> list[tuple[TaggedSentence, TaggedSentence]]:
    pairs = zip(perturbed.originals[tag], perturbed.sentences[tag], strict=True)
    changed = [pair for pair in pairs if pair[0] != pair[1]]
    return sorted(changed, key=lambda pair: "O" not in pair[0].tags)[:num]


def _highlighted(sentence: TaggedSentence) -> Text:
    """Write a sentence with brackets around its mentions."""
    pieces: list[Text] = []
    end = 0
    for mention in mentions_of(sentence):
        pieces += map(Text, sentence.words[end : mention.start])
        pieces.append(Text(f"[{mention.type} {' '.join(mention.words)}]", style=MENTION_STYLE))
        end = mention.end
    return Text(" ").join([*pieces, *map(Text, sentence.words[end:])])


def _title(tag: LanguageTag) -> str:
    return f"{language_name(tag)} ({tag})"
