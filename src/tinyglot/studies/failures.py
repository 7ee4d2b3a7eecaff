"""Why a cell failed, in words that can be filed."""

import re
import traceback
from collections.abc import Mapping
from pathlib import Path

from tinyglot.errors import TinyglotError

_ELSEWHERE = re.compile(r"(?<![\w./~…-])/(?:[^\s/'\":]+/)+([^\s/'\":]+)")


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


def without_roots(text: str, roots: Mapping[str, Path]) -> str:
    """Take places of this machine out of a text.

    Args:
        text: Such as an error.
        roots: Directories by the name that takes their place; the deepest one counts.

    Returns:
        The text with ``NAME/rest`` for what lies in a root, and ``…/last`` for any other path.
    """
    deepest_first = sorted(roots.items(), key=lambda root: -len(root[1].parts))
    for name, root in deepest_first:
        if len(root.parts) > 1:  # not the root of everything
            text = re.sub(rf"{re.escape(str(root))}(?![\w.-])", name, text)
    return _ELSEWHERE.sub(r"…/\1", text)
