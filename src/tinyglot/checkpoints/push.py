"""Uploading a checkpoint to a model hub: its files and its card, nothing else of a directory."""

from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HTTPError as ClientError  # type: ignore[attr-defined]  # not listed

from tinyglot.checkpoints.embedder import module_directories
from tinyglot.errors import HubError

_SUFFIXES = (".json", ".safetensors", ".txt", ".model")
# the second is slim.MODELING_FILE, written out: importing it would import PyTorch
_NAMES = ("README.md", "modeling_tinyglot_slim.py")


def push_checkpoint(directory: Path, repo: str, *, private: bool = False) -> str:
    """Upload a checkpoint with its model card, in one commit: all of it appears, or nothing.

    Args:
        directory: A checkpoint.
        repo: Hub id; made if it is not there.
        private: Whether to make it private; a repository that is there stays as it is.

    Returns:
        Address of the commit.

    Raises:
        HubError: If the hub cannot be reached or refuses.
        UnsafeCheckpointError: If an embedder's module leads out of the checkpoint.
    """
    hub = HfApi()
    files = [
        CommitOperationAdd(path_in_repo=name, path_or_fileobj=str(directory / name))
        for name in checkpoint_files(directory)
    ]
    try:
        hub.create_repo(repo, private=private, exist_ok=True)
        commit = hub.create_commit(repo, files, commit_message="Upload by tinyglot")
    except (ClientError, OSError, ValueError) as error:  # ValueError: a bad id, or a bad card
        raise HubError(
            "Could not upload the checkpoint.",
            got=f"{repo} at {hub.endpoint}: {_first_line(error)}",
            expected="a hub that can be reached, and the right to write to that repository",
            fix="check --repo OWNER/NAME and the network, and log in: hf auth login",
        ) from error
    return str(commit.commit_url)


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"


def checkpoint_files(directory: Path) -> tuple[str, ...]:
    """List the files that make a checkpoint.

    Args:
        directory: A checkpoint.

    Returns:
        Paths relative to it, sorted: weights, configuration, tokenizer, card, the file with
        the class of a slim model, and the modules of a sentence-transformers checkpoint.

    Raises:
        UnsafeCheckpointError: If an embedder's module leads out of the checkpoint.
    """
    folders = [directory, *(directory / module for module in module_directories(directory))]
    found = (path for folder in folders if folder.is_dir() for path in folder.iterdir())
    return tuple(
        sorted(
            str(path.relative_to(directory))
            for path in found
            if path.is_file() and (path.suffix in _SUFFIXES or path.name in _NAMES)
        )
    )
