import os
import time

import pytest

from jitnas_fn.core.errors import TaskError
from jitnas_fn.training.checkpoint_files import clear, draft_of, epochs_of, leave_a_day, path_of, set_aside, sweep

KEY, OTHER = "a" * 64, "b" * 64
DAY = 24 * 3600


def _make(path, *, days=0.0, size=10):
    path.write_bytes(b"x" * size)
    then = time.time() - days * DAY
    os.utime(path, (then, then))
    return path


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "a" * 63, "A" * 64, "", "opaque-00000000-0000-0000-0000-000000000000", "a" * 64 + "\n"]
)
def test_only_what_has_the_form_of_a_hash_becomes_part_of_a_path(tmp_path, key):
    for function in (epochs_of, clear, draft_of, leave_a_day):
        with pytest.raises(TaskError, match="64 hexadecimal digits"):
            function(tmp_path, key)
    for function in (path_of, set_aside):
        with pytest.raises(TaskError, match="64 hexadecimal digits"):
            function(tmp_path, key, 1)


def test_epochs_are_those_of_the_key_rising(tmp_path):
    for key, epoch in ((KEY, 10), (KEY, 9), (OTHER, 3)):
        _make(path_of(tmp_path, key, epoch))
    for name in (f"{KEY}.x.checkpoint", f"{KEY}.1.checkpoint.corrupt", f"{KEY}.01.checkpoint", f"{KEY}.{'9' * 30}.checkpoint"):
        _make(tmp_path / name)
    assert epochs_of(tmp_path, KEY) == [9, 10]
    assert epochs_of(tmp_path / "none", KEY) == []


def test_what_is_old_is_swept_and_nothing_else(tmp_path):
    gone = [
        _make(path_of(tmp_path, KEY, 1), days=31),
        _make(path_of(tmp_path, KEY, 1).with_suffix(".checkpoint.corrupt"), days=31),
        _make(draft_of(tmp_path, KEY), days=2),
    ]
    stays = [
        _make(path_of(tmp_path, KEY, 2), days=29),
        _make(draft_of(tmp_path, KEY), days=0.5),
        _make(tmp_path / "thesis.tex", days=1000),
        _make(tmp_path / f"{KEY}.1.checkpoint.txt", days=1000),
    ]
    folder = tmp_path / f"{OTHER}.3.checkpoint"
    folder.mkdir()
    os.utime(folder, (0, 0))
    sweep(tmp_path, most_bytes=10**9)
    assert [path.exists() for path in gone] == [False] * 3
    assert all(path.exists() for path in [*stays, folder])


def test_of_what_is_too_much_the_oldest_goes_but_nothing_of_today(tmp_path):
    oldest, older, today = (_make(path_of(tmp_path, KEY, n), days=days, size=100) for n, days in enumerate((9, 5, 0.5)))
    sweep(tmp_path, most_bytes=250)
    assert [path.exists() for path in (oldest, older, today)] == [False, True, True]
    sweep(tmp_path, most_bytes=0)
    assert [path.exists() for path in (older, today)] == [False, True]


def test_what_was_answered_is_swept_after_a_day(tmp_path):
    path = _make(path_of(tmp_path, KEY, 1))
    leave_a_day(tmp_path, KEY)
    sweep(tmp_path, most_bytes=10**9)
    assert path.exists()
    then = path.stat().st_mtime - 1.01 * DAY
    os.utime(path, (then, then))
    sweep(tmp_path, most_bytes=10**9)
    assert not path.exists()


@pytest.mark.skipif(os.name != "posix", reason="no links")
def test_a_link_that_is_swept_or_cleared_takes_nothing_with_it(tmp_path):
    outside = _make(tmp_path / "outside", days=100)
    before = outside.stat().st_mtime
    path_of(tmp_path, KEY, 1).symlink_to(outside)
    leave_a_day(tmp_path, KEY)
    assert outside.stat().st_mtime == before
    clear(tmp_path, KEY)
    assert [path.name for path in tmp_path.iterdir()] == ["outside"]


def test_a_folder_that_is_not_there_is_no_error(tmp_path):
    for function in (clear, leave_a_day):
        function(tmp_path / "none", KEY)
    sweep(tmp_path / "none", most_bytes=0)
