import pytest
import transformers

from tinyglot.errors import UnknownMethodError
from tinyglot.tasks import get_task, tasks


def test_finds_a_task_by_its_id():
    assert get_task("ner").id == "ner"


def test_tasks_are_sorted_and_their_ids_differ():
    ids = [task.id for task in tasks()]
    assert ids == sorted(set(ids))
    assert "ner" in ids


@pytest.mark.parametrize("task", tasks(), ids=lambda task: task.id)
def test_every_task_says_what_it_is(task):
    assert task.summary.endswith(".")
    assert task.metrics[0].name
    assert hasattr(transformers, task.head)


def test_suggests_a_task_that_is_written_alike():
    with pytest.raises(UnknownMethodError, match=r"task 'nre'[\s\S]*did you mean 'ner'"):
        get_task("nre")


def test_lists_the_tasks_when_nothing_is_alike():
    with pytest.raises(UnknownMethodError, match=r"'zzzzzz'[\s\S]*one of [^?]*ner[^?]*$"):
        get_task("zzzzzz")
