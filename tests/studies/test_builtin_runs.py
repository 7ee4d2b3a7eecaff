"""The big built-in studies run, with a tiny model, few sentences and two epochs in their place."""

import copy

import pytest
import yaml

from tests.studies.tiny_study import InThisProcess, write_inputs
from tinyglot.studies import Choice, Store, builtin_studies, expand, parse_grid, run_study
from tinyglot.studies.rows import read_rows


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return write_inputs(tmp_path_factory.mktemp("inputs"))


def small(name, inputs):
    """What a user changes in the file that ``tinyglot study copy`` hands over."""
    content = copy.deepcopy(yaml.safe_load(builtin_studies()[name].read_text(encoding="utf-8")))
    content["recipe"] |= {"model": str(inputs / "model"), "data": str(inputs / "data")}
    content["recipe"]["steps"][0] |= {"num_epochs": 2, "batch_size": 4}
    several = {"multilingual": ["swh-Latn", "deu-Latn"]}
    alone = {"swh-Latn": ["swh-Latn"]}
    content["axes"]["languages"] = alone if "monolingual" in name else several
    content["axes"].pop("batch_size", None)
    content.pop("only", None)
    return content


@pytest.mark.parametrize("name", ["imp-panx-monolingual", "imp-panx-multilingual"])
def test_a_big_study_runs_small(name, inputs, tmp_path):
    grid = parse_grid(small(name, inputs))
    chosen = [
        cell
        for cell in expand(grid)
        if cell.coordinates["seed"] == 2
        and (cell.coordinates["sparsity"], cell.coordinates["embeddings"])
        in {(0.0, None), (0.98, "include")}
    ]
    keys = tuple(cell.key for cell in chosen)
    sitting = run_study(grid, Store(tmp_path), InThisProcess(), Choice(keys=keys))
    assert (sitting.num_finished, sitting.failed, sitting.num_left) == (2, {}, 37)
    rows = read_rows(tmp_path)
    assert set(rows["perturbation"]) == {"none", "in-language", "in-script", "in-family"}
    assert sorted(set(rows["sparsity"])) == [0.0, 0.98]
    assert rows["setting"].unique().to_list() == [name.removeprefix("imp-panx-")]
