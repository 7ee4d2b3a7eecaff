import pytest

from tests.checkpoints.sparse import sparse_checkpoint
from tinyglot.checkpoints.packed import pack_checkpoint


@pytest.fixture(scope="module")
def dense(tmp_path_factory):
    return sparse_checkpoint(tmp_path_factory.mktemp("sparse") / "dense")


@pytest.fixture(scope="module")
def packed_once(dense):
    directory = dense.with_name("packed")
    pack_checkpoint(dense, directory)
    return directory
