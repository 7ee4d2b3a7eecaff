"""The same model directory and text for tinyglot and every peer that has an environment, in turn.

python -m benchmarks.peers.compare --peer textpruner=PYTHON --peer vocabtrimmer=PYTHON
writes results/trim-peers.json
"""

import argparse
import json
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.bench_trim import TINYGLOT
from benchmarks.places import data_directory, text_of
from benchmarks.processes import Finished, run_fresh
from benchmarks.provenance import Provenance
from benchmarks.schema import PeerRun, TrimPeers, write_result

HERE = Path(__file__).parent
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
ADAPTATIONS = {
    "tinyglot": ("keeps the single characters of the languages' scripts besides",),
    "textpruner": (
        "installed without its dependency numpy<1.22",
        "given the slow XLMRobertaTokenizer, which has the sp_model it asks for",
    ),
    "vocabtrimmer": (
        "given a directory of text files in place of a hub corpus",
        "min_frequency=1, so that every token of the text is kept, as by the others",
        "all languages as one, because it takes one",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds a tool may take")
    parser.add_argument("--text", action="append", default=[], help="sw, or all; default: both")
    options = parser.parse_args()
    provenance = Provenance.now()
    runs = []
    with tempfile.TemporaryDirectory() as work:
        model = Path(work) / "model"
        made = run_fresh([sys.executable, "-m", "benchmarks.peers.make_model", model])
        if made.returncode:
            raise SystemExit(made.stderr)
        for choice in options.text or ["sw", "all"]:
            folders = _folders(choice)
            text = _joined_text(folders, Path(work) / f"{choice}.txt")
            for number, peer in enumerate(["tinyglot", *options.peer]):
                out = Path(work) / f"{choice}-{number}"
                runs.append(_run(peer, model, (folders, text), out, options.limit))
                sys.stdout.write(runs[-1].model_dump_json(indent=1) + "\n")
    result = TrimPeers(
        model="random XLMRobertaForMaskedLM, 250,002 x 384 embeddings, 2 layers",
        num_rows_before=250_002,
        limit_s=options.limit,
        runs=tuple(runs),
    )
    write_result("trim-peers", provenance, result)


def _folders(choice: str) -> list[str]:
    every = sorted(path.name for path in (data_directory() / "text").iterdir())
    return [f"text/{name}" for name in (every if choice == "all" else [choice])]


def _joined_text(folders: list[str], target: Path) -> Path:
    with target.open("wb") as joined:
        for folder in folders:
            for file in sorted((data_directory() / folder).glob("*.txt")):
                content = file.read_bytes()
                joined.write(content if content.endswith(b"\n") else content + b"\n")
    return target


def _run(peer: str, model: Path, where: tuple[list[str], Path], out: Path, limit: float) -> PeerRun:
    folders, text_file = where
    name, _, python = peer.partition("=")
    if name == "tinyglot":
        command = [*TINYGLOT, "compress", str(model), "--out", str(out)]
        command += ["--text", str(data_directory() / (folders[0] if len(folders) == 1 else "text"))]
        command += [word for folder in folders for word in ("--language", Path(folder).name)]
    else:
        script = HERE / f"run_{name}.py"
        command = [python, str(script), str(model), str(text_file), str(out)]
    finished = run_fresh(command, timeout_s=limit, environment=OFFLINE, directory=out.parent)
    found = _found(name, finished, out)
    return PeerRun(
        tool=name,
        versions=found.get("versions", {}),
        outcome=_outcome(finished),
        error=_error(finished, out.parent),
        adaptation=ADAPTATIONS[name],
        text=text_of(folders),
        num_rows_after=found.get("num_rows_after"),
        cost=finished.cost,
    )


def _found(name: str, finished: Finished, out: Path) -> dict[str, Any]:
    if finished.returncode:
        return {}
    if name != "tinyglot":
        answer: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
        return answer
    config = json.loads((out / "final" / "config.json").read_text(encoding="utf-8"))
    versions = {package: metadata.version(package) for package in ("tinyglot", "transformers")}
    return {"num_rows_after": config["vocab_size"], "versions": versions}


def _outcome(finished: Finished) -> str:
    if finished.was_stopped:
        return "stopped"
    return "failed" if finished.returncode else "finished"


def _error(finished: Finished, work: Path) -> str | None:
    if not finished.returncode:
        return None
    lines = finished.stderr.replace("\r", "\n").strip().splitlines()
    places = map(str, (work, Path.cwd(), sys.prefix, Path.home()))
    text = "\n".join(lines[-3:])
    for place in places:
        text = text.replace(place, "…")
    return text


if __name__ == "__main__":
    main()
