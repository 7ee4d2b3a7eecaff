"""The command line in this process, with the phases of a trim timed; `bench_trim` runs it."""

import importlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any


class Phases:
    """Wall and CPU seconds by name; what is timed inside another phase is taken off that one."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = defaultdict(float)
        self.cpu: dict[str, float] = defaultdict(float)
        self._inner = [(0.0, 0.0)]

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            wall, cpu = time.perf_counter(), time.process_time()
            self._inner.append((0.0, 0.0))
            try:
                return function(*args, **kwargs)
            finally:
                wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
                inner_wall, inner_cpu = self._inner.pop()
                self.wall[name] += wall - inner_wall
                self.cpu[name] += cpu - inner_cpu
                outer_wall, outer_cpu = self._inner[-1]
                self._inner[-1] = (outer_wall + wall, outer_cpu + cpu)

        return call


def main() -> None:
    phases = Phases()
    phases.timed("import", _import)()
    from tinyglot.methods import registry
    from tinyglot.methods.vocabulary_trimming import METHOD
    from tinyglot.recipes import runner

    planning = sys.modules[METHOD.plan.__module__]
    planning.count_texts = phases.timed("count", planning.count_texts)
    timed_method = replace(
        METHOD,
        plan=phases.timed("plan", METHOD.plan),
        apply=phases.timed("apply_and_verify", METHOD.apply),
    )
    runner.get_method = lambda name: (
        timed_method if name == METHOD.name else registry.get_method(name)
    )
    runner.load_checkpoint = phases.timed("load", runner.load_checkpoint)
    runner.save_checkpoint = phases.timed("save_and_verify", runner.save_checkpoint)
    phases.timed("rest", _command)()
    report = {"wall": phases.wall, "cpu": phases.cpu}
    rounded = {
        kind: {name: round(value, 2) for name, value in values.items()}
        for kind, values in report.items()
    }
    sys.stdout.write("\n" + json.dumps(rounded) + "\n")


def _import() -> None:
    importlib.import_module("tinyglot.recipes")


def _command() -> None:
    from tinyglot.cli.app import main as command

    try:
        command()
    except SystemExit as end:
        if end.code:
            raise


if __name__ == "__main__":
    main()
