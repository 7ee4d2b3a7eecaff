"""What a user without tinyglot, PyTorch and transformers does; prints outputs as JSON."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer


def run_with_onnxruntime_alone(directory, texts):
    tokenizer = Tokenizer.from_file(str(Path(directory) / "tokenizer.json"))
    session = onnxruntime.InferenceSession(Path(directory) / "model.onnx")
    outputs = []
    for text in texts:
        ids = np.array([tokenizer.encode(text).ids])
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        outputs.append(session.run(None, feed)[0].tolist())
    return outputs


if __name__ == "__main__":
    results = run_with_onnxruntime_alone(sys.argv[1], sys.argv[2:])
    foreign = sorted({"torch", "transformers", "tinyglot"} & set(sys.modules))
    sys.stdout.write(json.dumps({"outputs": results, "foreign": foreign}))
