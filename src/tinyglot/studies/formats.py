"""How tables and figures are written; light, so that the command line can list them."""

from enum import StrEnum


class FigureFormat(StrEnum):
    """How figures are written."""

    svg = "svg"
    png = "png"
    html = "html"


class TableFormat(StrEnum):
    """How tables are written."""

    markdown = "markdown"
    csv = "csv"
    json = "json"
