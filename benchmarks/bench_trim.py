"""`tinyglot compress` of the bundled model over all text of the data directory, in fresh processes.

python -m benchmarks.bench_trim [--runs 3]      writes results/trim.json
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.places import data_directory, text_of
from benchmarks.processes import Finished, run_fresh, wait_for_quiet
from benchmarks.provenance import Provenance
from benchmarks.schema import ProcessCost, Trim, write_result

MODEL = "bundled:multilingual-e5-small"
TINYGLOT = (sys.executable, "-c", "from tinyglot.cli.app import main; main()")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--patience", type=float, default=60.0, help="seconds to wait for a quiet machine, each run"
    )
    options = parser.parse_args()
    folders = sorted(path.name for path in (data_directory() / "text").iterdir())
    arguments = ["compress", MODEL, "--text", str(data_directory() / "text")]
    arguments += [word for folder in folders for word in ("--language", folder)]
    _unpack()
    provenance = Provenance.now()
    with tempfile.TemporaryDirectory() as work:
        outs = [Path(work) / str(number) for number in range(options.runs)]
        costs = [_run([*TINYGLOT, *arguments, "--out", out], options.patience) for out in outs]
        rows = _rows(next(outs[0].glob("steps/*/plan.json")), outs[0] / "final" / "config.json")
        phases = _phases([*arguments, "--out", str(Path(work) / "phases")])
    result = Trim(
        model=MODEL,
        text=text_of([f"text/{folder}" for folder in folders]),
        num_rows_before=rows[0],
        num_rows_after=rows[1],
        runs=tuple(costs),
        phases_s=phases["wall"],
        phases_cpu_s=phases["cpu"],
    )
    sys.stdout.write(f"{write_result('trim', provenance, result).name}: {costs}\n")


def _rows(plan: Path, config: Path) -> tuple[int, int]:
    before, after = (json.loads(path.read_text(encoding="utf-8")) for path in (plan, config))
    return before["num_rows_before"], after["vocab_size"]


def _run(command: list[str | Path], patience: float) -> ProcessCost:
    wait_for_quiet(patience)
    cost = _checked(run_fresh(command)).cost
    sys.stderr.write(f"{cost}\n")
    return cost


def _unpack() -> None:
    """Unpack the bundled model before the first counted run, if that was never done."""
    _checked(run_fresh([sys.executable, "-c", "import tinyglot; tinyglot.bundled_path()"]))


def _phases(arguments: list[str]) -> dict[str, dict[str, float]]:
    command = [sys.executable, "-m", "benchmarks.trim_phases", *arguments]
    directory = Path(__file__).parents[1]
    phases: dict[str, dict[str, float]] = json.loads(
        _checked(run_fresh(command, directory=directory)).stdout.splitlines()[-1]
    )
    return phases


def _checked(finished: Finished) -> Finished:
    if finished.returncode:
        raise SystemExit(f"{finished.stdout[-1000:]}\n{finished.stderr[-4000:]}")
    return finished


if __name__ == "__main__":
    main()
