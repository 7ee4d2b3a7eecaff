"""Why a cell failed, in words that can be filed."""

import traceback

from tinyglot.errors import TinyglotError


def described(error: BaseException) -> str:
    """Say what went wrong, and where if it is no problem that tinyglot explains.

    Args:
        error: As it was caught.

    Returns:
        The four lines of a problem; else type, message and the last place in the code.
    """
    if isinstance(error, TinyglotError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is the engine's
    ours = [frame for frame in frames if "tinyglot" in frame.filename] or list(frames)
    where = f" ({ours[-1].name}, line {ours[-1].lineno})" if ours else ""
    return f"{type(error).__name__}: {error}{where}"
