from tests.methods.gating import CALLBACKS
from tests.training.test_launch import launch, said


def test_two_processes_learn_the_same(tmp_path):
    finished = launch(tmp_path, module="tests.methods.gating_launched")
    assert finished.returncode == 0, finished.stderr
    first, second = said(tmp_path)
    assert first["rank"] != second["rank"]
    for name in CALLBACKS:
        assert first[name] == second[name]
        assert sum(map(len, first[name]["kept"]["heads"])) == 4
    assert first["l0_pruning"] != first["movement_pruning"]
