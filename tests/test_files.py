import errno
import os
import stat
import subprocess
import sys

import pytest

from tinyglot.errors import DiskFullError, RunDirectoryError
from tinyglot.files import (
    cache_directory,
    clear_leftovers,
    locked,
    read_json,
    replacing,
    write_json,
    write_text,
    written_once,
)


def no_room(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_json_is_sorted_indented_and_ends_with_a_newline(tmp_path):
    write_json(tmp_path / "a" / "x.json", {"b": "ħ", "a": [1]})
    text = (tmp_path / "a" / "x.json").read_text("utf-8")
    assert text == '{\n  "a": [\n    1\n  ],\n  "b": "ħ"\n}\n'
    assert read_json(tmp_path / "a" / "x.json") == {"a": [1], "b": "ħ"}


def test_a_failed_write_leaves_the_old_content_and_nothing_else(tmp_path):
    write_text(tmp_path / "x.txt", "old")

    def write_half() -> None:
        with replacing(tmp_path / "x.txt") as temporary:
            temporary.write_text("ne")
            raise KeyError("half way")

    with pytest.raises(KeyError, match="half way"):
        write_half()
    assert [path.name for path in tmp_path.iterdir()] == ["x.txt"]
    assert (tmp_path / "x.txt").read_text() == "old"


def test_of_two_that_write_a_directory_at_once_the_first_one_wins(tmp_path):
    with written_once(tmp_path / "a/d") as mine:
        mine.mkdir()
        (mine / "x").write_text("second")
        (tmp_path / "a/d").mkdir()
        (tmp_path / "a/d/x").write_text("first")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["d"]
    assert (tmp_path / "a/d/x").read_text() == "first"


def test_a_directory_that_could_not_be_written_once_is_not_there(tmp_path):
    def write_half() -> None:
        with written_once(tmp_path / "d") as temporary:
            temporary.mkdir()
            no_room()

    with pytest.raises(DiskFullError, match=r"Could not write d: the disk is full"):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_a_directory_is_replaced_whole(tmp_path):
    for content in ("old", "new"):
        with replacing(tmp_path / "d") as temporary:
            temporary.mkdir()
            (temporary / content).write_text(content)
    assert [path.name for path in tmp_path.iterdir()] == ["d"]
    assert [path.name for path in (tmp_path / "d").iterdir()] == ["new"]


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_files_get_the_permissions_of_the_umask(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        with replacing(tmp_path / "d") as temporary:
            temporary.mkdir()
            (temporary / "weights").touch(mode=0o600)
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "d" / "weights").stat().st_mode) == mode


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError("I/O error: No space left on device (os error 28)"),  # as safetensors says it
    ],
)
def test_a_full_disk_is_said_and_nothing_stays(tmp_path, error):
    def write() -> None:
        with replacing(tmp_path / "model") as temporary:
            temporary.mkdir()
            (temporary / "half").write_text("x")
            raise error

    with pytest.raises(DiskFullError, match=r"write model: the disk is full\.\n +got: +\d+ MiB"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_too_full_for_a_directory_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("pathlib.Path.mkdir", no_room)
    with pytest.raises(DiskFullError, match=r"write x\.txt: the disk is full"):
        write_text(tmp_path / "not" / "there" / "x.txt", "text")


def test_other_errors_pass(tmp_path):
    def write() -> None:
        with replacing(tmp_path / "x"):
            raise OSError(errno.EIO, "broken disk")

    with pytest.raises(OSError, match="broken disk"):
        write()


# --- leftovers ----------------------------------------------------------------------------------


def test_leftovers_of_killed_processes_go(tmp_path):
    (tmp_path / "steps" / ".checkpoint.123.tmp").mkdir(parents=True)
    (tmp_path / "steps" / ".checkpoint.123.tmp" / "half").touch()
    (tmp_path / ".plan.json.4.tmp").touch()
    kept = (".lock", ".hidden.tmp", "plan.json.4.tmp")
    for name in kept:
        (tmp_path / name).touch()
    clear_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((*kept, "steps"))
    assert list((tmp_path / "steps").iterdir()) == []


def test_what_was_about_to_be_replaced_comes_back(tmp_path):
    (tmp_path / ".export.7.old").mkdir()
    (tmp_path / ".export.7.tmp").mkdir()
    (tmp_path / ".export.7.old" / "good").touch()
    clear_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["export"]
    assert (tmp_path / "export" / "good").exists()


def test_what_was_replaced_already_goes(tmp_path):
    for name in (".export.7.old", "export"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    clear_leftovers(tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["export", "export"]


# --- lock ---------------------------------------------------------------------------------------

HOLD = """
import sys
from pathlib import Path
from tinyglot.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_until_the_first_is_killed(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(RunDirectoryError, match=rf"got: +.*run \(process {holder.pid}\)"),
            locked(tmp_path / "run"),
        ):
            pass
        holder.kill()
    with locked(tmp_path / "run"):
        assert (tmp_path / "run" / ".lock").read_text() == str(os.getpid())


def test_a_place_that_is_a_file_cannot_be_locked(tmp_path):
    (tmp_path / "run").touch()
    with (
        pytest.raises(RunDirectoryError, match=r"cannot be written[\s\S]*run \(File exists\)"),
        locked(tmp_path / "run"),
    ):
        pass


def test_a_place_without_permission_cannot_be_locked(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")  # root may write everywhere

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with (
        pytest.raises(RunDirectoryError, match=r"\(Permission denied\)"),
        locked(tmp_path / "run"),
    ):
        pass


def test_a_full_disk_is_said_when_locking(tmp_path, monkeypatch):
    monkeypatch.setattr("pathlib.Path.mkdir", no_room)
    with (
        pytest.raises(DiskFullError, match="write run: the disk is full"),
        locked(tmp_path / "run"),
    ):
        pass


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("TINYGLOT_CACHE", str(tmp_path))
    assert cache_directory() == tmp_path
    monkeypatch.delenv("TINYGLOT_CACHE")
    assert cache_directory().parts[-2:] == (".cache", "tinyglot")
