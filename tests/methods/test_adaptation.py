import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM

from tests.methods import adaptation_launched
from tests.parity import assert_parity
from tests.tiny import tiny_pair
from tests.training.test_launch import launch, said
from tests.training.texts import write_text
from tinyglot import methods
from tinyglot.architectures import view
from tinyglot.checkpoints import save_checkpoint
from tinyglot.methods.adaptation import METHOD, AdaptationConfig
from tinyglot.methods.adaptation.plan import AdaptationPlan

SMALL = {
    "max_steps": 2,
    "batch_size": 4,
    "max_length": 32,
    "head_steps": 2,
    "precision": "fp32",
    "save_steps": None,
}
PAIRS = (
    ("bert", "wordpiece"),
    ("xlm_roberta", "unigram"),
    ("distilbert", "wordpiece"),
    ("modernbert", "bpe"),
    ("deberta_v2", "unigram"),
)
RELOAD = """
import sys
from pathlib import Path
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForMaskedLM
found = {}
for place in sorted(Path(sys.argv[1]).glob("*/checkpoint")):
    attention = "eager" if place.parent.name == "deberta_v2" else "sdpa"
    model = AutoModelForMaskedLM.from_pretrained(place, attn_implementation=attention).eval()
    tied = model.get_input_embeddings().weight is model.get_output_embeddings().weight
    with torch.no_grad():
        found[place.parent.name] = model(torch.arange(5, 25)[None]).logits.contiguous()
    found[place.parent.name + ".tied"] = torch.tensor(tied)
assert not [name for name in sys.modules if name.startswith("tinyglot")]
save_file(found, sys.argv[2])
"""


def adapt(pair, context, **options):
    plan = METHOD.plan(*pair, AdaptationConfig(**{**SMALL, **options}), context)
    return plan, *METHOD.apply(*pair, plan, context)


def test_adapted_checkpoints_reload_tied_in_plain_transformers(tmp_path):
    context, expected = write_text(tmp_path / "text"), {}
    for family, kind in PAIRS:
        pair = tiny_pair(family, kind)
        _, model, tokenizer = adapt(pair, replace(context, directory=tmp_path / family / "work"))
        with torch.no_grad():
            expected[family] = model(torch.arange(5, 25)[None]).logits
        save_checkpoint(model, tokenizer, tmp_path / family / "checkpoint")
    arguments = [str(tmp_path), str(tmp_path / "logits.safetensors")]
    subprocess.run([sys.executable, "-c", RELOAD, *arguments], check=True, capture_output=True)
    found = load_file(arguments[1])
    assert len(found) == 2 * len(PAIRS)
    for family, logits in expected.items():
        assert_parity(found[family], logits, atol=0.0)
        assert bool(found[f"{family}.tied"])


def test_facts_are_the_same_bytes_again(tmp_path):
    context, pair = write_text(tmp_path / "text"), tiny_pair("bert", "wordpiece")
    places = [tmp_path / name for name in ("one", "two")]
    for place in places:
        adapt(pair, replace(context, directory=place))
    first, second = ((place / "facts.json").read_bytes() for place in places)
    assert first == second
    assert json.loads(first)["held_out_loss"].keys() == {"before", "after"}


def test_the_plan_says_that_trimming_first_is_cheaper(tmp_path):
    context = write_text(tmp_path)
    plan = METHOD.plan(*tiny_pair("bert", "wordpiece"), AdaptationConfig(**SMALL), context)
    assert not any("trimming" in line for line in plan.summary())
    large = plan.model_copy(update={"vocabulary_size": 250_000, "num_used_token_ids": 20_000})
    (line,) = (line for line in large.summary() if "vocabulary_trimming" in line)
    assert "250,000 logits a hidden token" in line
    assert "20,000 token ids" in line
    assert "12.5 times cheaper" in line
    assert "which alone is trained for 2 steps first" in plan.summary()[0]
    assert isinstance(plan, AdaptationPlan)


def test_languages_are_those_of_the_text_where_none_are_named(tmp_path):
    context = write_text(tmp_path, ("swh-Latn", "amh-Ethi"))
    plan = METHOD.plan(
        *tiny_pair("bert", "wordpiece"), AdaptationConfig(**SMALL), replace(context, languages=())
    )
    assert plan.config.languages == ("swh-Latn", "amh-Ethi")
    assert set(plan.num_tokens) == {"swh-Latn", "amh-Ethi"}


@pytest.mark.parametrize("family", ["bert", "xlm_roberta"])
def test_a_head_of_another_task_gives_way(tmp_path, family):
    kind = "wordpiece" if family == "bert" else "unigram"
    pair = tiny_pair(family, kind, "token_classification")
    plan, model, _ = adapt(pair, write_text(tmp_path))
    assert plan.head == "new"
    assert view(model).is_tied
    assert view(model).task_head is None


def test_the_trainer_of_the_card_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    card = Path(methods.__file__).parent / "adaptation" / "README.md"
    (code,) = re.findall(r"```python\n(.*?)```", card.read_text("utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)  # noqa: S102  (the card's own code, which asserts)
    assert "joined" in names


def test_two_processes_train_as_one_does_on_twice_the_batch(tmp_path):
    """Equal up to the order in which gradients are added."""
    write_text(tmp_path / "text")
    adaptation_launched.save_pair(tmp_path / "model")
    finished = launch(tmp_path, module="tests.methods.adaptation_launched")
    assert finished.returncode == 0, finished.stderr
    first, second = said(tmp_path)
    assert first["weights"] == second["weights"]
    alone = adaptation_launched.adapt(tmp_path, tmp_path / "alone", 8)
    together = AutoModelForMaskedLM.from_pretrained(tmp_path / "final")
    for name, parameter in together.named_parameters():
        if not name.endswith("key.bias"):  # softmax does not see it: AdamW scales up rounding noise
            assert_parity(parameter, alone.get_parameter(name), atol=2e-4)
