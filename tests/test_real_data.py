import pytest

from tests.real_data import real_data, real_data_root


def test_environment_variable_names_the_root(monkeypatch, tmp_path):
    monkeypatch.setenv("TINYGLOT_DATA", str(tmp_path))
    (tmp_path / "ner").mkdir()
    assert real_data("ner") == tmp_path / "ner"


def test_missing_data_skips_with_a_reason(monkeypatch, tmp_path):
    monkeypatch.setenv("TINYGLOT_DATA", str(tmp_path))
    with pytest.raises(pytest.skip.Exception, match=r"'ner/none' is not there: set TINYGLOT_DATA"):
        real_data("ner/none")


def test_default_root_is_beside_the_repository(monkeypatch):
    monkeypatch.delenv("TINYGLOT_DATA", raising=False)
    assert real_data_root().parts[-2:] == ("shared", "data")
