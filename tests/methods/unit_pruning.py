"""What the tests of head_pruning and ffn_pruning share."""

import hashlib
import re
from pathlib import Path

import tinyglot.methods
from tests.methods.labelled import write_data
from tests.methods.trimming import LINES, write_context
from tests.tiny import tiny_pair
from tinyglot.methods.contract import Context
from tinyglot.methods.registry import get_method

AMOUNTS = {"head_pruning": {"num_heads": 2}, "ffn_pruning": {"ffn_size": 24}}
QUICK = {
    "max_steps": 3,
    "batch_size": 8,
    "precision": "fp32",
    "save_steps": None,
    "max_length": 64,
}


def plan_of(name, pair, context, **options):
    method = get_method(name)
    amounts = {} if "pruning_ratio" in options else AMOUNTS[name]
    return method.plan(*pair, method.config_class(**{**amounts, **options}), context)


def apply(plan, pair, context):
    return get_method(plan.method).apply(*pair, plan, context)[0]


def texts(directory: Path, *languages: str) -> Context:
    """Text in languages of different script."""
    tags = languages or ("swh-Latn", "hin-Deva")
    return write_context(directory, {tag: LINES[tag] for tag in tags})


def labelled(directory: Path) -> Context:
    data = str(write_data(directory / "data"))
    return Context(languages=("swh-Latn", "deu-Latn"), task="ner", data=data)


def trained_pair(family="xlm_roberta", kind="unigram"):
    """A model with a head for the labels of the data."""
    return tiny_pair(family, kind, "token_classification")


def blocks_of_the_card(name: str, language: str) -> list[str]:
    """The blocks of code of a method's card, or of what it prints."""
    card = (Path(tinyglot.methods.__file__).parent / name / "README.md").read_text("utf-8")
    return re.findall(rf"```{language}\n(.*?)```", card, re.DOTALL)


def run_the_card(name: str) -> None:
    """Run all its code as one program."""
    code = "\n".join(blocks_of_the_card(name, "python"))
    exec(compile(code, f"{name}/README.md", "exec"), {})  # noqa: S102  (our own file)


def digest(model) -> str:
    value = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        value.update(name.encode() + tensor.detach().contiguous().numpy().tobytes())
    return value.hexdigest()
