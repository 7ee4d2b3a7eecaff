"""Training on raw text: masked LM, or an objective of one's own.

A method that trains on text takes ``TextTrainingOptions`` into its config and ``TextTrainingPlan``
into its plan, and needs two calls::

    options = resolve_text_options(config, context)
    plan = MyPlan(**plan_text_training(model, tokenizer, options, context))

    setup = TextSetup(context.seed, context.device, context.directory, context.text)
    result = train_on_text(model, tokenizer, plan, setup, objective=my_objective)
    write_json(context.directory / "facts.json", result.facts)  # in the main process

The text is encoded once, as a stream, into the step's directory. An ``Objective``
(``tinyglot.training.objective``) takes the masked-LM loss's place: it runs the student itself and
may own parameters that are trained with it. ``headed_model`` is the student as it begins, with an
LM head, tied and new where the model had none; ``plan_text_training(..., needs_head=False)`` leaves
a model without one as it is.
"""

from tinyglot.training.text.corpus import TextCorpus, TextRow, read_text
from tinyglot.training.text.held_out import MACRO_AVERAGE, HeldOutCurve, HeldOutText
from tinyglot.training.text.options import TextTrainingOptions
from tinyglot.training.text.plan import (
    TextInputs,
    TextTrainingPlan,
    has_lm_head,
    plan_text_training,
    resolve_text_options,
)
from tinyglot.training.text.sequences import Sequencer
from tinyglot.training.text.token_file import TokenFile, written_tokens
from tinyglot.training.text.training import (
    TextSetup,
    TextTrainingResult,
    headed_model,
    train_on_text,
)

__all__ = [
    "MACRO_AVERAGE",
    "HeldOutCurve",
    "HeldOutText",
    "Sequencer",
    "TextCorpus",
    "TextInputs",
    "TextRow",
    "TextSetup",
    "TextTrainingOptions",
    "TextTrainingPlan",
    "TextTrainingResult",
    "TokenFile",
    "has_lm_head",
    "headed_model",
    "plan_text_training",
    "read_text",
    "resolve_text_options",
    "train_on_text",
    "written_tokens",
]
