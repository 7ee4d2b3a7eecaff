"""Finding the family of a model: one line here for each file of this package."""

from transformers import PreTrainedModel

from tinyglot.architectures.bert import BertView
from tinyglot.architectures.deberta_v2 import DebertaV2View
from tinyglot.architectures.distilbert import DistilBertView
from tinyglot.architectures.modernbert import ModernBertView
from tinyglot.architectures.view import EncoderView, Family
from tinyglot.architectures.xlm_roberta import XlmRobertaView
from tinyglot.errors import UnsupportedArchitectureError

VIEWS: tuple[type[EncoderView], ...] = (
    BertView,
    XlmRobertaView,
    DistilBertView,
    ModernBertView,
    DebertaV2View,
)
VIEW_OF_MODEL_TYPE = {name: view for view in VIEWS for name in view.about.model_types}


def view(model: PreTrainedModel) -> EncoderView:
    """Look at a model through the names that all families share.

    Args:
        model: A model of transformers, with or without a head. It is not changed.

    Returns:
        The view of its family.

    Raises:
        UnsupportedArchitectureError: If the family is not supported, or the model is a decoder.
    """
    config = getattr(model, "config", None)
    model_type = str(getattr(config, "model_type", type(model).__name__))
    check_family(model_type)
    if getattr(config, "is_decoder", False):
        raise UnsupportedArchitectureError(
            "Could not use the model: it is configured as a decoder.",
            got=f"{type(model).__name__} with is_decoder = true",
            expected="an encoder, which attends in both directions",
            fix="load it with an encoder class, or set is_decoder to false in its config.json",
        )
    return VIEW_OF_MODEL_TYPE[model_type](model)


def check_family(model_type: str) -> Family:
    """Find the family of a checkpoint before anything of it is loaded.

    Args:
        model_type: The field of that name in ``config.json``.

    Returns:
        The family.

    Raises:
        UnsupportedArchitectureError: If no family has that model type.
    """
    if model_type not in VIEW_OF_MODEL_TYPE:
        raise UnsupportedArchitectureError(
            "Could not use the model: its architecture is not supported.",
            got=f"model_type {model_type!r}",
            expected=f"one of {', '.join(sorted(VIEW_OF_MODEL_TYPE))}",
            fix="choose another model, or write src/tinyglot/architectures/<family>.py "
            "and add its view to VIEWS in families.py",
        )
    return VIEW_OF_MODEL_TYPE[model_type].about


def families() -> tuple[Family, ...]:
    """List the supported families.

    Returns:
        One entry a family, in a fixed order.
    """
    return tuple(view.about for view in VIEWS)
