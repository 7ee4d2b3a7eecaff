"""What each process of ``accelerate launch`` runs in the tests of gates that are learnt."""

import json
import os
import sys
from pathlib import Path

import torch

from tests.methods.gating import CALLBACKS, gates
from tests.training.launched import run
from tinyglot.training.resume import weights_digest

if __name__ == "__main__":
    torch.set_num_threads(1)
    target = Path(sys.argv[1])
    said = {"rank": os.environ["RANK"]}
    for name in CALLBACKS:
        callback = gates(name)
        result = run(target / name, 4, [callback])
        said[name] = {
            "learnt": callback.controller.digest(),
            "kept": callback.facts()["kept"],
            "weights": weights_digest(result.model),
        }
    (target / f"said-{said['rank']}.json").write_text(json.dumps(said))
