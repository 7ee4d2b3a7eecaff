"""Training towards a teacher's logits beside the labels."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.tiny import tiny_model
from tinyglot.errors import UnknownLabelError
from tinyglot.training import Teacher, TrainingConfig, cross_entropy, train
from tinyglot.training.distillation import DistillationOptions, LogitDistillation

INPUTS = {
    "input_ids": torch.arange(5, 25).reshape(2, 10),
    "attention_mask": torch.ones(2, 10, dtype=torch.long),
}
LABELS = torch.arange(20).reshape(2, 10) % 5


def looked(teacher, **options):
    distillation = LogitDistillation(teacher, DistillationOptions(**options))
    distillation.look_at({**INPUTS, "labels": LABELS})
    return distillation


def outputs(model):
    with torch.no_grad():
        return model(**INPUTS)


@pytest.mark.parametrize("head", ["token_classification", "question_answering"])
@given(temperature=st.floats(0.5, 8), weight=st.floats(0.01, 1))
@settings(max_examples=10, deadline=None)
def test_a_student_that_is_its_teacher_diverges_by_nothing(head, temperature, weight):
    model = tiny_model("bert", head)
    labels = LABELS if head == "token_classification" else torch.tensor([[1, 2], [0, 3]])
    found = looked(model, soft_loss_weight=weight, temperature=temperature).loss(
        outputs(model), labels
    )
    expected = (1 - weight) * cross_entropy(outputs(model), labels)
    assert float(found) == pytest.approx(float(expected), abs=1e-6)


def test_the_loss_by_hand_leaves_out_what_has_no_label():
    teacher, student = (
        tiny_model("bert", "token_classification"),
        tiny_model("bert", "token_classification", seed=1),
    )
    labels = LABELS.clone()
    labels[:, 3:] = -100
    found = looked(teacher, soft_loss_weight=0.25, temperature=3).loss(outputs(student), labels, 6)
    p, q = (
        (outputs(model)["logits"][:, :3] / 3).double().softmax(-1) for model in (teacher, student)
    )
    divergence = (p * (p / q).log()).sum() / 6
    expected = 0.75 * float(cross_entropy(outputs(student), labels)) + 0.25 * 9 * float(divergence)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_a_student_comes_nearer_to_its_teacher_on_the_active_vocabulary():
    """The teacher's token ids are renumbered with the student's."""
    teacher = tiny_model("xlm_roberta", "token_classification")
    student = tiny_model("xlm_roberta", "token_classification", seed=1)
    rows = [
        type(
            "Row", (), {"input_ids": INPUTS["input_ids"][i].tolist(), "labels": LABELS[i].tolist()}
        )()
        for i in range(2)
    ]
    config = TrainingConfig(
        max_steps=12, learning_rate=3e-3, precision="fp32", save_steps=None, batch_size=2
    )
    options = DistillationOptions(soft_loss_weight=1.0, temperature=1.0)
    with_teacher = train(student, rows, config, teacher=Teacher(teacher, options))
    losses = [
        float(looked(teacher, soft_loss_weight=1.0, temperature=1.0).loss(outputs(each), LABELS))
        for each in (student, with_teacher.model)
    ]
    assert losses[1] < 0.5 * losses[0]
    assert with_teacher.record.num_embedding_rows < 30


@pytest.mark.parametrize("options", [{"soft_loss_weight": 0}, {"temperature": 0}])
def test_weights_and_temperatures_out_of_range_are_refused(options):
    with pytest.raises(ValidationError, match=r"greater than 0[\s\S]*input_value=0"):
        DistillationOptions(**options)


def test_a_teacher_of_other_labels_is_refused():
    student = tiny_model("bert", "masked_lm")
    found = looked(tiny_model("bert", "token_classification"))
    with pytest.raises(UnknownLabelError, match=r"a teacher of 5 labels, a student of \d{3}"):
        found.loss(outputs(student), LABELS)
