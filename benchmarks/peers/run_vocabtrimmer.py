"""vocabtrimmer on a model directory and a text file; needs only vocabtrimmer's own environment.

pip install torch transformers==4.57.6 "datasets<6" pandas sentencepiece protobuf tqdm
pip install --no-deps vocabtrimmer==0.0.2       (it does not declare datasets and pandas)
python run_vocabtrimmer.py MODEL_DIRECTORY TEXT_FILE OUT_DIRECTORY
"""

import json
import shutil
import sys
from importlib import metadata
from pathlib import Path

from vocabtrimmer import VocabTrimmer

model_directory, text_file, out = sys.argv[1], sys.argv[2], Path(sys.argv[3])
corpus = out / "corpus"
corpus.mkdir(parents=True)
shutil.copy(text_file, corpus / "train.txt")
trimmer = VocabTrimmer(model_directory)
trimmer.trim_vocab(
    language="sw",
    path_to_save=str(out / "model"),
    dataset=str(corpus),
    dataset_split="train",
    min_frequency=1,
    cache_file_vocab=str(out / "vocabulary.json"),
    cache_file_frequency=str(out / "frequency.json"),
)
versions = {name: metadata.version(name) for name in ("vocabtrimmer", "transformers", "torch")}
print(json.dumps({"num_rows_after": trimmer.model.config.vocab_size, "versions": versions}))
