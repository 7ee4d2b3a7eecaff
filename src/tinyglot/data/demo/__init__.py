"""Synthetic corpora for demonstrations and tests: made up, seeded, in sixteen languages."""

from tinyglot.data.demo.corpus import make_ner_corpus
from tinyglot.data.demo.template import DEMO_LANGUAGES

__all__ = ["DEMO_LANGUAGES", "make_ner_corpus"]
