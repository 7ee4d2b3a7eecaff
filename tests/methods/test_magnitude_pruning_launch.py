from tests.training.test_launch import launch, said


def test_two_processes_have_the_same_masks_and_weights(tmp_path):
    finished = launch(tmp_path, module="tests.methods.pruned_launched")
    assert finished.returncode == 0, finished.stderr
    first, second = said(tmp_path)
    assert first["rank"] != second["rank"]
    assert {**first, "rank": None} == {**second, "rank": None}
    assert first["num_removed"] == round(0.7 * first["num_weights"]) > 0
