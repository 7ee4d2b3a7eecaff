import pytest
from pydantic import BaseModel, Field

from tests.generated import OPTIONS, between, generated, with_options, with_tables


@pytest.mark.parametrize("path", generated(), ids=lambda path: path.parent.name)
def test_generated_parts_are_up_to_date(path):
    stale = path.read_text("utf-8") != generated()[path]
    assert not stale, "run: python -m tests.generated"


class Inherited(BaseModel):
    speed: float | None = Field(default=None, description="how fast")


class Options(Inherited):
    method: str = "x"
    size: int = Field(default=3, description="how large")
    names: tuple[str, ...] = Field(default_factory=tuple, description="which")


def test_a_table_of_options_is_replaced_up_to_the_blank_line():
    text = f"# Card\n\n{OPTIONS}\n|---|\n| `old` | `1` | gone |\n\nAfter.\n"
    assert with_options(text, Options) == (
        f"# Card\n\n{OPTIONS}\n|---|---|---|\n| `size` | `3` | how large |\n"
        "| `names` | `[]` | which |\n| `speed` | `null` | how fast |\n\nAfter.\n"
    )


def test_a_card_without_a_table_of_options_is_refused():
    with pytest.raises(ValueError, match=r"no table of options: no line '\| option"):
        with_options("# Card\n", Options)


def test_every_table_of_a_card_is_filled():
    assert sum(text.count("<!-- begin: ") for text in generated().values()) > 0
    with pytest.raises(KeyError, match="nothing_of_the_kind"):
        with_tables("<!-- begin: nothing_of_the_kind -->\n")


def test_what_stands_between_markers_is_replaced():
    text = "a\n<!-- begin: t -->\nold\n<!-- end: t -->\nb\n"
    new = "a\n<!-- begin: t -->\n\nx\ny\n\n<!-- end: t -->\nb\n"
    assert between(text, "t", ["x", "y"]) == between(new, "t", iter(["x", "y"])) == new


def test_missing_markers_are_refused():
    with pytest.raises(ValueError, match="no markers <!-- begin: t -->"):
        between("a\n<!-- begin: t -->\n", "t", ["new"])
