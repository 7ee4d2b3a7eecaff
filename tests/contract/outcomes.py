"""What came out of each method on each pair of model and tokenizer; worked out once a session."""

import copy
import hashlib
import importlib.util
import json
import random
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors import safe_open
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

from tests.contract.cases import CASES, Case, Options
from tests.tiny import TINY_TEXT, tiny_pair
from tinyglot.architectures import view
from tinyglot.checkpoints import save_checkpoint
from tinyglot.methods.contract import Context, Method, Plan
from tinyglot.tokenizers.state import read_state

Pair = tuple[PreTrainedModel, PreTrainedTokenizerFast]
MAX_LENGTH = 64
EMBEDDINGS = ("word_embeddings.weight", "tok_embeddings.weight")
LAYER_LISTS = ("layer", "layers")


@dataclass(frozen=True)
class Outcome:
    """One method on one pair; every attribute is worked out when it is first asked for."""

    method: Method
    family: str
    kind: str
    root: Path

    @property
    def case(self) -> Case:
        return CASES[self.method.name]

    @cached_property
    def before(self) -> Pair:
        """The pair that the method is given; no test changes it."""
        return tiny_pair(self.family, self.kind, "masked_lm")

    @cached_property
    def digest_before(self) -> str:
        return digest(*tiny_pair(self.family, self.kind, "masked_lm"))

    @cached_property
    def plan(self) -> Plan:
        return self.new_plan(self.before)

    @cached_property
    def after(self) -> Pair:
        return self.apply(self.before)

    @cached_property
    def checkpoint(self) -> Path:
        directory = self.root / "checkpoint"
        # transformers notes class and precision in the configuration of what it saves
        save_checkpoint(*copy.deepcopy(self.after), directory)
        return directory

    @cached_property
    def loaded(self) -> Pair:
        """What plain transformers makes of the files, with their own class where they bring one."""
        model_class = class_of(self.checkpoint)
        attention = self.after[0].config._attn_implementation
        model = model_class.from_pretrained(self.checkpoint, attn_implementation=attention)
        return model.eval(), AutoTokenizer.from_pretrained(self.checkpoint)

    def new_plan(self, pair: Pair, options: Options | None = None) -> Plan:
        config = self.method.config_class(**(self.case.options if options is None else options))
        scatter_random_state()
        return self.method.plan(*pair, config, inputs(self.method.name, self.root.parents[2]))

    def result(self, options: Options) -> Pair:
        """What comes out with some options; those of the case are not run again."""
        if options == self.case.options:
            return self.after
        return self.apply(self.before, self.new_plan(self.before, options))

    def apply(self, pair: Pair, plan: Plan | None = None) -> Pair:
        """Apply as a recipe does, with an empty directory for the step's own files."""
        context = inputs(self.method.name, self.root.parents[2])
        work = self.root / f"work-{len(list(self.root.glob('work-*')))}"
        work.mkdir(parents=True)
        scatter_random_state()
        return self.method.apply(*pair, plan or self.plan, replace(context, directory=work))


def class_of(checkpoint: Path) -> Any:
    """Find the class that a checkpoint names: in transformers, or in the file beside it."""
    config = json.loads((checkpoint / "config.json").read_text("utf-8"))
    (name,), files = config["architectures"], config.get("auto_map")
    if not files:
        return getattr(transformers, name)
    (module,) = {value.partition(".")[0] for value in files.values()}
    spec = importlib.util.spec_from_file_location(module, checkpoint / f"{module}.py")
    code = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(code)
    return getattr(code, name)


@cache
def inputs(name: str, root: Path) -> Context:
    """Write the text or data of a method once."""
    directory = root / name / "inputs"
    directory.mkdir(parents=True)
    return CASES[name].context(directory)


def scatter_random_state() -> None:
    """Leave the global generators in a state that no method should depend on."""
    seed = random.SystemRandom().randrange(2**32)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  (libraries use the global one)
    torch.manual_seed(seed)


def digest(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> str:
    """Differs if a weight, a buffer, the configuration, a mode or the tokenizer does.

    Truncation and padding do not count: they are left over from the last call of the tokenizer.
    """
    value = hashlib.sha256(json.dumps(read_state(tokenizer)).encode())
    value.update(model.config.to_json_string().encode())
    for name, tensor in sorted(view(model).named_tensors().items()):
        value.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        value.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    for name, module in model.named_modules():
        value.update(f"{name} {module.training}".encode())
    return value.hexdigest()


def outputs(pair: Pair, texts: list[str]) -> list[torch.Tensor]:
    """Give hidden states and the head's output for each text, encoded together, padding cut off."""
    model, tokenizer = pair
    encoded = tokenizer(
        texts, padding=True, truncation=True, max_length=MAX_LENGTH, return_tensors="pt"
    )
    ids, mask = encoded["input_ids"], encoded["attention_mask"]
    with torch.no_grad():
        states = view(model).encoder(ids, mask)[0]
        head = model(ids, mask)[0]
    both = torch.cat([states, head], dim=-1)
    return [row[mask[i].bool()] for i, row in enumerate(both)]


def texts_of_many_scripts() -> list[str]:
    return TINY_TEXT[::9]


def recount(checkpoint: Path) -> dict[str, int]:
    """Count from the files alone, by nothing but names and shapes of tensors."""
    shapes: dict[str, tuple[int, ...]] = {}
    for path in sorted(checkpoint.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            shapes |= {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    embedding = next(shape for name, shape in shapes.items() if name.endswith(EMBEDDINGS))
    layers = {part for name in shapes for part in _layer_number(name)}
    labels = [shape[0] for name, shape in shapes.items() if name == "classifier.weight"]
    return {
        "rows": embedding[0],
        "layers": len(layers),
        "labels": labels[0] if labels else 0,
        "parameters": sum(int(np.prod(shape)) for shape in shapes.values()),
    }


def _layer_number(name: str) -> list[str]:
    parts = pairwise(name.split("."))
    return [number for word, number in parts if word in LAYER_LISTS and number.isdecimal()]


def plan_text(plan: Any) -> str:
    return plan.model_dump_json(indent=2)
