"""TextPruner on a model directory and a text file; needs only TextPruner's own environment.

pip install torch transformers==4.57.6 "numpy<2" sentencepiece protobuf tqdm
pip install --no-deps textpruner==1.1.post2     (its metadata ask for numpy<1.22)
python run_textpruner.py MODEL_DIRECTORY TEXT_FILE OUT_DIRECTORY
"""

import json
import sys
from importlib import metadata
from pathlib import Path

from textpruner import GeneralConfig, VocabularyPruner, VocabularyPruningConfig
from transformers import XLMRobertaForMaskedLM, XLMRobertaTokenizer

model_directory, text_file, out = sys.argv[1:]
model = XLMRobertaForMaskedLM.from_pretrained(model_directory)
tokenizer = XLMRobertaTokenizer.from_pretrained(model_directory)  # it asks for `sp_model`
pruner = VocabularyPruner(
    model,
    tokenizer,
    VocabularyPruningConfig(min_count=1),
    GeneralConfig(use_device="cpu", output_dir=out),
)
with Path(text_file).open(encoding="utf-8") as lines:
    pruner.prune(dataiter=[line.rstrip("\n") for line in lines])
versions = {name: metadata.version(name) for name in ("textpruner", "transformers", "torch")}
print(json.dumps({"num_rows_after": len(pruner.pruned_token_ids), "versions": versions}))
