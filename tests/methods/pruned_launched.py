"""What each process of ``accelerate launch`` runs in the tests of pruning."""

import json
import os
import sys
from pathlib import Path

import torch

from tests.methods.pruned import pruning
from tests.training.launched import run
from tinyglot.training.resume import weights_digest

if __name__ == "__main__":
    torch.set_num_threads(1)
    target = Path(sys.argv[1])
    callback = pruning(start_step=2, end_step=6)
    result = run(target, 4, [callback])
    said = {
        "rank": os.environ["RANK"],
        "masks": callback.controller.digest(),
        "weights": weights_digest(result.model),
        "num_removed": callback.controller.num_removed,
        "num_weights": callback.controller.num_weights,
    }
    (target / f"said-{said['rank']}.json").write_text(json.dumps(said))
