import pytest

from tinyglot.reports.markdown import code, inline, table


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("<script>x</script>", r"&lt;script\>x&lt;/script\>"),
        ("two\nlines", "two lines"),
        ("[a](http://x)", r"\[a\](http://x)"),
        ("_a_ *b* `c`", r"\_a\_ \*b\* \`c\`"),
        ("R&D", "R&amp;D"),
    ],
)
def test_inline_text_has_no_markup(text, escaped):
    assert inline(text) == escaped


def test_code_cannot_be_ended_by_its_text():
    assert code("a`b|c\nd") == "`a'b¦c d`"


def test_table_has_a_rule_under_the_header():
    assert table(["a", "b"], [["1", "2"]]).splitlines() == [
        "| a | b |",
        "| :-- | --: |",
        "| 1 | 2 |",
    ]
