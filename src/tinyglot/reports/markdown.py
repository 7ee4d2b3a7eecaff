"""Markdown whose every word may come from a user's data."""

import re
from collections.abc import Sequence

SPECIAL = re.compile(r"([\\`*_\[\]<>|#~!])")


def inline(text: str) -> str:
    """Escape a text so that it shows as it is, in one line, also inside a table.

    Args:
        text: Any text.

    Returns:
        Markdown without links, emphasis, HTML or line breaks.
    """
    one_line = " ".join(str(text).split())
    return SPECIAL.sub(r"\\\1", one_line.replace("&", "&amp;").replace("<", "&lt;"))


def code(text: str) -> str:
    """Show a text as code; characters that would end the code or the table cell are replaced.

    Args:
        text: Any text.

    Returns:
        A code span in one line.
    """
    one_line = " ".join(str(text).split()).replace("`", "'").replace("|", "¦")
    return f"`{one_line}`" if one_line else ""


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table, the first column to the left, the others to the right.

    Args:
        header: Headings, escaped already.
        rows: Cells, escaped already.

    Returns:
        Lines of Markdown.
    """
    rule = [":--", *["--:"] * (len(header) - 1)]
    lines = [header, rule, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
