import pytest

from tests.reports.samples import META
from tinyglot.reports.made import flatten, made_steps, provenance, public_name


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("/data/people/anna/ner", "ner"),
        ("../shared/data/ner/", "ner"),
        ("masakhane/masakhaner2", "masakhane/masakhaner2"),
        ("bundled:multilingual-e5-small", "bundled:multilingual-e5-small"),
        ("model", "model"),
        (None, None),
    ],
)
def test_paths_are_shortened_and_ids_kept(place, shown):
    assert public_name(place) == shown


def test_steps_come_from_the_records_with_what_is_set():
    steps = made_steps(META)
    assert [(step.method, step.version) for step in steps] == [
        ("fine_tuning", 1),
        ("layer_dropping", 2),
    ]
    assert steps[0].options == (("max_steps", "300"),)
    assert steps[0].facts == (("num_steps", "300"),)


def test_steps_come_from_the_recipe_when_nothing_is_recorded():
    meta = {"recipe": {"steps": [{"method": "layer_dropping", "num_layers": 6}]}}
    assert made_steps(meta)[0].options == (("num_layers", "6"),)


def test_nested_facts_get_dotted_names_and_lists_one_line():
    values = {"a": {"b": 0.123456789, "c": [1, "x"]}, "d": None, "e": True}
    assert list(flatten(values)) == [("a.b", "0.123457"), ("a.c", "1, x"), ("e", "true")]


def test_provenance_names_no_directory_of_a_machine():
    facts = provenance(META)
    assert facts["labelled data"] == "demo-data"
    assert facts["weights sha256"] == "ab" * 32
    assert facts["seed"] == "0"
    assert "revision" not in facts


def test_thousands_of_indices_are_not_shown():
    record = {
        "method": "l0_pruning",
        "facts": {"kept": {"heads": [1, 2], "neurons": [*range(999)]}},
    }
    (step,) = made_steps({"records": [record]})
    (heads, short), (neurons, long) = step.facts
    assert (heads, short) == ("kept.heads", "1, 2")
    assert neurons == "kept.neurons"
    assert long.startswith("0, 1, 2, ")
    assert long.endswith("… (4,883 characters)")
    assert len(long) < 350
