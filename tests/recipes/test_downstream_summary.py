"""What all stages retain together: tasks count alike in a language, languages in the whole."""

import numpy as np
import pytest

from tinyglot.evaluation.retention import SeededScores
from tinyglot.recipes.downstream.summary import Scored, _macro_retention
from tinyglot.tasks.classification import ACCURACY, F1_MACRO

STAGES = ("source", "01-layer_dropping")


def scored(task, language, original, final, metric=ACCURACY):
    drawn = np.array([[original, final], [original, final / 2]])
    found = SeededScores(np.array([original, final]), drawn)
    return Scored(task, language, metric, metric is ACCURACY, 2, found)


SW_TOPIC, SW_NER = scored("topic", "swh-Latn", 0.8, 0.4), scored("ner", "swh-Latn", 0.5, 0.5)
DE_TOPIC = scored("topic", "deu-Latn", 1.0, 0.25)


def test_languages_count_alike_whatever_tasks_they_have():
    found = _macro_retention([SW_TOPIC, SW_NER, DE_TOPIC], 1, STAGES)
    assert found["value"] == pytest.approx(((0.5 + 1) / 2 + 0.25) / 2)
    assert found["num_tasks"] == 2
    assert found["low"] == pytest.approx(0.25 + 0.025 * 0.25)
    assert _macro_retention([SW_TOPIC, SW_NER, DE_TOPIC], 0, STAGES)["value"] == 1.0


def test_only_the_first_metric_of_a_task_counts():
    other = scored("topic", "swh-Latn", 0.8, 0.0, F1_MACRO)
    alone = _macro_retention([SW_TOPIC], 1, STAGES)
    assert _macro_retention([SW_TOPIC, other], 1, STAGES) == alone


def test_nothing_is_said_without_the_original_or_where_it_scores_nothing():
    nothing = scored("ner", "deu-Latn", 0.0, 0.1)
    assert _macro_retention([SW_TOPIC, nothing], 1, STAGES) is None
    assert _macro_retention([SW_TOPIC], 0, STAGES[1:]) is None
    assert _macro_retention([], 1, STAGES) is None
