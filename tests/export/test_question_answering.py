import numpy as np
import pytest
import torch

from tests.parity import assert_parity
from tests.tiny import tiny_checkpoint, tiny_inputs
from tinyglot import api
from tinyglot.checkpoints import load_checkpoint
from tinyglot.errors import ExportError
from tinyglot.evaluation.predict import main_output
from tinyglot.export.predictor import onnx_predictor


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    directory = tmp_path_factory.mktemp("qa")
    source = tiny_checkpoint(directory / "source", head="question_answering")
    api.export(source, format="onnx", out=directory / "export")
    return source, directory / "export"


def test_start_and_end_are_one_output(exported):
    source, export = exported
    checkpoint = load_checkpoint(str(source))
    inputs = tiny_inputs(checkpoint.tokenizer)
    found = onnx_predictor(export)({name: values.numpy() for name, values in inputs.items()})
    with torch.no_grad():
        expected = main_output(checkpoint.model, inputs)
    seen = inputs["attention_mask"].bool().numpy()
    assert found.shape == (*seen.shape, 2)
    assert_parity(found[seen], expected.numpy()[seen], atol=1e-4)


def test_refuses_to_score_hidden_tokens(exported):
    ids = np.ones((1, 4), dtype=np.int64)
    with pytest.raises(ExportError, match=r"hidden tokens[\s\S]*task mlm"):
        onnx_predictor(exported[1])({"input_ids": ids, "attention_mask": ids, "labels": ids})
