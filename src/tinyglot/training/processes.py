"""Which of the launched processes this is, before anything distributed is set up."""

import os


def process_index() -> int:
    """Give this process's index among those that ``accelerate launch`` or torchrun started.

    Returns:
        0 without a launcher.
    """
    return int(os.environ.get("RANK", "0"))


def num_processes() -> int:
    """Count the processes that ``accelerate launch`` or torchrun started.

    Returns:
        1 without a launcher.
    """
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main_process() -> bool:
    """Tell whether this process is the one that writes files.

    Returns:
        True without a launcher.
    """
    return process_index() == 0
