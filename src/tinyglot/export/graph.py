"""From a model to an ONNX graph with two inputs, one output, and named, dynamic axes."""

import contextlib
import copy
import importlib.util
import io
import logging
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinyglot.errors import ExportError, MissingExtraError

if TYPE_CHECKING:
    import onnx_ir

OPSET = 20
INPUT_NAMES = ("input_ids", "attention_mask")
_TRACED_SHAPE = (2, 16)


class Traced(NamedTuple):
    """A graph and how it came about.

    Attributes:
        graph: The model as ONNX, weights in memory.
        exporter: ``transformers`` or, where that one failed, ``torch``.
        output_name: ``logits`` or ``last_hidden_state``.
    """

    graph: "onnx_ir.Model"
    exporter: str
    output_name: str


def require_onnx() -> None:
    """Check that the packages of the extra ``onnx`` are installed.

    Raises:
        MissingExtraError: If any is not.
    """
    packages = ("onnx", "onnxscript", "onnxruntime")
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            "Could not work with ONNX: packages are not installed.",
            got=f"no {', '.join(missing)}",
            expected=", ".join(packages),
            fix='pip install "tinyglot[onnx]"',
        )


def output_name(model: PreTrainedModel) -> str:
    """Name the output that an export of this model gives.

    Args:
        model: An encoder, with or without a head.

    Returns:
        ``logits`` with a head, ``last_hidden_state`` without.
    """
    return "last_hidden_state" if model.base_model is model else "logits"


@contextlib.contextmanager
def ready(model: PreTrainedModel) -> Iterator[PreTrainedModel]:
    """Lend a model in evaluation mode, float32 and on the processor; afterwards it is as it was.

    Args:
        model: Any model. One of another precision or device is copied, others are lent themselves.

    Yields:
        The model to run.
    """
    tensors = list(model.parameters())
    if any(tensor.dtype != torch.float32 or tensor.device.type != "cpu" for tensor in tensors):
        model = copy.deepcopy(model).cpu().float()
    training = {module: module.training for module in model.modules()}
    try:
        with torch.no_grad():
            yield model.eval()
    finally:
        for module, was_training in training.items():
            module.training = was_training


def trace(model: PreTrainedModel) -> Traced:
    """Turn a model into an ONNX graph that needs only token ids and the attention mask.

    Batch and sequence length are free in the graph; token types are their default, zero. What the
    exporters leave in a file beside the model (paths of this machine, traces) is taken out.

    Args:
        model: An encoder, with or without a head; in float32 and evaluation mode.

    Returns:
        The graph.

    Raises:
        MissingExtraError: If the packages for ONNX are not installed.
        ExportError: If neither exporter can do it.
    """
    require_onnx()
    wrapped = _OneOutput(model, output_name(model)).eval()
    try:
        with _quiet():
            traced = Traced(_trace_with_transformers(wrapped), "transformers", wrapped.output_name)
    except Exception as first:  # noqa: BLE001  (exporters raise anything; the second may do it)
        traced = Traced(_second_attempt(wrapped, first), "torch", wrapped.output_name)
    _tidy_(traced.graph)
    return traced


class _OneOutput(nn.Module):
    def __init__(self, model: PreTrainedModel, name: str) -> None:
        super().__init__()
        self.model = model
        self.output_name = name

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        output = self.model(input_ids=input_ids, attention_mask=attention_mask, return_dict=True)
        if "start_logits" in output:
            spans = torch.stack((output["start_logits"], output["end_logits"]), dim=-1)
            return {self.output_name: spans}
        return {self.output_name: output[self.output_name]}

    def example(self) -> dict[str, Tensor]:
        """Make ids that no family mistakes for padding, the second sequence shorter."""
        vocab_size = self.model.config.vocab_size
        length = _TRACED_SHAPE[0] * _TRACED_SHAPE[1]
        ids = (torch.arange(length) % (vocab_size - vocab_size // 2) + vocab_size // 2).long()
        mask = torch.ones(_TRACED_SHAPE, dtype=torch.long)
        mask[1, _TRACED_SHAPE[1] // 2 :] = 0
        return {"input_ids": ids.reshape(_TRACED_SHAPE), "attention_mask": mask}


def _dynamic_axes() -> dict[str, dict[int, Any]]:
    dynamic = torch.export.Dim.AUTO
    return {name: {0: dynamic, 1: dynamic} for name in INPUT_NAMES}


def _trace_with_transformers(wrapped: _OneOutput) -> "onnx_ir.Model":
    from transformers.exporters.configs import OnnxConfig
    from transformers.exporters.exporter_onnx import OnnxExporter

    config = OnnxConfig(dynamic=True, dynamic_shapes=_dynamic_axes(), opset_version=OPSET)
    # typed for PreTrainedModel; any module will do
    model: Any = wrapped
    exported = OnnxExporter().export(model, {**wrapped.example()}, config)
    graph: onnx_ir.Model = exported.program
    return graph


def _second_attempt(wrapped: _OneOutput, first: Exception) -> "onnx_ir.Model":
    try:
        with _quiet():
            return _trace_with_torch(wrapped)
    except Exception as second:
        raise ExportError(
            "Could not turn the model into an ONNX graph.",
            got=f"transformers: {_short(first)}\ntorch: {_short(second)}",
            expected="a model that one of the two exporters can trace",
            fix="try attn_implementation='eager' when loading it, or report both messages",
        ) from second


def _trace_with_torch(wrapped: _OneOutput) -> "onnx_ir.Model":
    program = torch.onnx.export(
        wrapped,
        kwargs=wrapped.example(),
        input_names=list(INPUT_NAMES),
        output_names=[wrapped.output_name],
        dynamic_shapes=_dynamic_axes(),
        opset_version=OPSET,
        dynamo=True,
    )
    if program is None:
        raise ExportError(
            "Could not turn the model into an ONNX graph.",
            got="no program from torch.onnx.export",
            expected="a program",
            fix="report this with the model's config.json",
        )
    return program.model


def _short(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:200]}"


def _tidy_(model: "onnx_ir.Model") -> None:
    """Name the axes, and drop traces and paths of the exporting machine."""
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass

    ClearMetadataAndDocStringPass()(model)
    model.graph.metadata_props.clear()
    model.metadata_props.clear()
    model.producer_name, model.producer_version = "tinyglot", None
    for node in model.graph:
        for value in node.outputs:
            value.metadata_props.clear()
            value.shape = value.shape if value.is_graph_output() else None
    for value in (*model.graph.inputs, *model.graph.initializers.values()):
        value.metadata_props.clear()
    _name_axes_(model)


def _name_axes_(model: "onnx_ir.Model") -> None:
    import onnx_ir

    for value in model.graph.inputs:
        value.shape = onnx_ir.Shape(("batch", "sequence"))
    for value in model.graph.outputs:
        sizes = tuple(value.shape or ())
        named = ("batch", "sequence")[: len(sizes) - 1]
        value.shape = onnx_ir.Shape((*named, *sizes[-1:]))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence exporters: they print to standard output, which belongs to the caller's results."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
