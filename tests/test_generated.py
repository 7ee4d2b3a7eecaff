import pytest
from pydantic import BaseModel, Field

from tests.generated import OPTIONS, generated, with_options


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
