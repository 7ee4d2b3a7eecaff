"""What tests of distillation on text share: models, a batch, and parts computed naively."""

import torch

from tests.tiny import FAMILY_SPECIAL_IDS, tiny_model
from tinyglot.architectures import view

ROLES = ("query", "key", "value")


def pair(family="bert", head="masked_lm"):
    """Teacher and student of other weights, in float64."""
    return tiny_model(family, head).double(), tiny_model(family, head, seed=1).double()


def batch(family="bert", padding=0):
    """Three sequences, one shorter, two tokens of each hidden, and any more padding."""
    generator = torch.Generator().manual_seed(5)
    ids = torch.randint(5, 400, (3, 10), generator=generator)
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    ids[1, 6:] = FAMILY_SPECIAL_IDS[family].pad
    labels = torch.full_like(ids, -100)
    labels[:, 1], labels[:, 4] = ids[:, 1], 7
    more = [(ids, FAMILY_SPECIAL_IDS[family].pad), (mask, 0), (labels, -100)]
    ids, mask, labels = (
        torch.nn.functional.pad(tensor, (0, padding), value=value) for tensor, value in more
    )
    return {"input_ids": ids, "attention_mask": mask}, labels


def nothing_hidden(inputs, labels):
    """What models see where no part looks at logits."""
    ids = inputs["input_ids"].clone()
    ids[labels != -100] = labels[labels != -100]
    return {**inputs, "input_ids": ids}


def gradients(model, loss):
    """The gradients of all parameters that have any, in one vector."""
    model.zero_grad()
    loss.backward()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


def naive_relations(student, teacher, mask, num_heads):
    """One sequence, one head and one token at a time, without padding."""
    total, rows = 0.0, 0
    for own, taught, kept in zip(student, teacher, mask.bool(), strict=True):
        for head in range(num_heads):
            parts = []
            for vectors in (own[kept], taught[kept]):
                width = vectors.shape[1] // num_heads
                part = vectors[:, head * width : (head + 1) * width]
                parts.append((part @ part.T / width**0.5).softmax(-1))
            r, s = parts[1], parts[0]
            total = total + (r * (r / s).log()).sum() / num_heads
        rows += int(kept.sum())
    return total / rows


def queries_keys_values(model, inputs, layer):
    """What the linear modules of a layer give, taken down by other hooks than tinyglot's."""
    found, roles = {}, view(model).linear_modules()[layer]
    names = ("qkv",) if "qkv" in roles else ROLES

    def note(name):
        return lambda module, given, output: found.update({name: found.get(name, output)})

    handles = [roles[name].register_forward_hook(note(name)) for name in names]
    view(model).encoder(**inputs)
    for handle in handles:
        handle.remove()
    if "qkv" in found:
        width = found["qkv"].shape[-1] // 3
        return [found["qkv"][..., i * width : (i + 1) * width] for i in range(3)]
    return [found[name] for name in ROLES]
