import re
from html.parser import HTMLParser

from tests.data.test_mentions import sentence
from tinyglot.data.checks.check import check_data
from tinyglot.data.conll import TaggedSentence, write_conll
from tinyglot.reports.data_check import render_check

EVIL = "<script>alert(1)</script>"


class Page(HTMLParser):
    """Collects the elements of a page and the addresses it names."""

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self.addresses = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]


def page_of(tmp_path, **others):
    for split in ("train", "dev", "test"):
        tagged = TaggedSentence(("ni", EVIL), ("O", f"B-{EVIL}"))
        write_conll(tmp_path / f"sw/{split}.conll", [tagged])
    (tmp_path / "sw/dev.conll").write_text(f"{EVIL}\tB-PER\n{EVIL}\n")
    return render_check(check_data(tmp_path, **others))


def test_the_page_needs_nothing_else_and_runs_nothing(tmp_path):
    page = Page(page_of(tmp_path))
    assert page.addresses == []
    assert "script" not in page.elements
    assert {"table", "h1", "h2"} <= set(page.elements)


def test_every_string_of_the_data_is_escaped(tmp_path):
    text = page_of(tmp_path)
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_the_page_says_what_was_found(tmp_path):
    text = " ".join(re.sub(r"<[^>]+>", " ", page_of(tmp_path)).split())
    assert "1 language(s), 2 split(s), kind ner" in text
    assert "2 problem(s)" in text
    assert "Swahili (swh-Latn) dev broken file Could not read" in text
    assert "1 of 1 examples (100.0%) are also in train" in text


def test_the_same_data_gives_the_same_page(tmp_path):
    assert page_of(tmp_path) == page_of(tmp_path)


def test_what_splits_share_is_listed_worst_first(tmp_path):
    for code, words in (("sw", "Juma"), ("yo", "Ade")):
        write_conll(tmp_path / f"{code}/train.conll", [sentence(f"{words}/B-PER")])
    write_conll(tmp_path / "sw/test.conll", [sentence("Ali/B-PER")])
    write_conll(tmp_path / "yo/test.conll", [sentence("Ade/B-PER")])
    text = render_check(check_data(tmp_path))
    shared = text.partition("What splits share")[2]
    assert shared.index("Yoruba") < shared.index("Swahili")
    assert "examples, test in train" in shared
    assert "No problem" not in text
