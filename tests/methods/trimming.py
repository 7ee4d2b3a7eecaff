"""Plans and contexts for tests of vocabulary trimming."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.tiny import TINY_TEXT
from tinyglot.methods.contract import Context
from tinyglot.methods.vocabulary_trimming import METHOD, VocabularyTrimmingConfig
from tinyglot.tokenizers import close_token_ids, required_token_ids

# tag -> lines of TINY_TEXT in that language, or in its script
LINES = {
    "swh-Latn": TINY_TEXT[0:5],
    "mlt-Latn": TINY_TEXT[9:12],
    "vie-Latn": TINY_TEXT[12:15],
    "amh-Ethi": TINY_TEXT[25:28],
    "hin-Deva": TINY_TEXT[28:32],
    "jpn-Jpan": TINY_TEXT[43:46],
}


TWO = ("swh-Latn", "amh-Ethi")
ENGLISH = "The teacher read the letter and the children listened to her."


def ids_of(tokenizer, lines) -> set[int]:
    """Token ids of lines, without special tokens."""
    return {i for line in lines for i in tokenizer(line, add_special_tokens=False)["input_ids"]}


def required(tokenizer) -> frozenset[int]:
    """Token ids that stay whatever the text is."""
    return close_token_ids(tokenizer, required_token_ids(tokenizer))


def write_context(directory: Path, texts: Mapping[str, Sequence[str]]) -> Context:
    """Write one file a language and give the context that names them."""
    files = {tag: directory / f"{tag}.txt" for tag in texts}
    for tag, lines in texts.items():
        files[tag].write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Context(languages=tuple(texts), text={tag: (path,) for tag, path in files.items()})


def plan_of(model, tokenizer, context: Context, **options):
    """Plan; byte-level tokenizers may spell what they do not know."""
    config = VocabularyTrimmingConfig(**{"max_unk_rate": 1.0, **options})
    return METHOD.plan(model, tokenizer, config, context)


def trim(model, tokenizer, context: Context, **options):
    """Plan and apply."""
    plan = plan_of(model, tokenizer, context, **options)
    return plan, *METHOD.apply(model, tokenizer, plan, context)
