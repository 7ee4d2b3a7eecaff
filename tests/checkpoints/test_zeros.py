import torch
from safetensors.torch import save_file

from tinyglot.checkpoints import zeros
from tinyglot.checkpoints.zeros import count_zero_weights


def test_zeros_of_all_files_count_whole_numbers_do_not(tmp_path):
    save_file(
        {
            "matrix": torch.tensor([[0.0, 1.0], [-0.0, 1e-38]]),
            "half": torch.tensor([0.0, 2.0], dtype=torch.bfloat16),
            "single": torch.tensor(0.0),
            "empty": torch.zeros(0, 3),
            "position_ids": torch.zeros(5, dtype=torch.int64),
        },
        tmp_path / "model-00001-of-00002.safetensors",
    )
    save_file({"bias": torch.zeros(4)}, tmp_path / "model-00002-of-00002.safetensors")
    assert count_zero_weights(tmp_path) == 2 + 1 + 1 + 4


def test_a_large_matrix_is_read_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(zeros, "_VALUES_AT_ONCE", 6)
    matrix = torch.ones(7, 3)
    matrix[::2, 1] = 0.0
    save_file({"matrix": matrix}, tmp_path / "model.safetensors")
    assert [part.shape[0] for part in zeros._parts(tmp_path / "model.safetensors")] == [2, 2, 2, 1]
    assert count_zero_weights(tmp_path) == 4


def test_a_directory_without_weights_has_none(tmp_path):
    assert count_zero_weights(tmp_path) == 0
