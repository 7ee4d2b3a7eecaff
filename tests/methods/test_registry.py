import pytest

from tinyglot.errors import UnknownMethodError
from tinyglot.methods.contract import MethodConfig, Plan
from tinyglot.methods.registry import METHODS, get_method, methods


def test_every_method_is_found_by_its_name():
    assert [method.name for method in methods()] == list(METHODS)
    assert all(get_method(name) is get_method(name) for name in METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_complete(name):
    method = get_method(name)
    assert method.version >= 1
    assert method.summary == method.summary.strip() != ""
    assert issubclass(method.config_class, MethodConfig)
    assert issubclass(method.plan_class, Plan)
    assert method.config_class.model_fields["method"].default == name
    assert set(method.needs) <= {"languages", "text", "task", "data", "teacher"}


def test_an_unknown_method_is_told_with_the_nearest():
    with pytest.raises(UnknownMethodError, match=r"got: +layer_droping[\s\S]*'layer_dropping'\?"):
        get_method("layer_droping")
    with pytest.raises(
        UnknownMethodError, match=r"expected: vocabulary_trimming, [\s\S]*ls methods"
    ):
        get_method("xyz")


def test_a_plan_says_at_least_its_method():
    assert Plan(method="some").summary() == ["some"]
