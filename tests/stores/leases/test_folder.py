"""Leases in a folder where anything may lie, on a disk that may be full: refused, or held until it is stale."""

import json
import os

import pytest

from jitnas_fn.core.errors import StoreError, TaskError
from jitnas_fn.stores.leases import Held
from tests.stores.leases.nodes import KEY, OTHER, _leases, _names, _renews


@pytest.mark.parametrize(
    "key",
    ["", "../../x", "ab/cd", "ab" * 31, "AB" * 32, KEY + "\0", KEY + ".1", KEY + "\n", None, 5, b"ab" * 32, "compaction.1"],
)
def test_what_is_no_key_is_refused(tmp_path, clock, key):
    with pytest.raises(TaskError, match="a lease is on a key"):
        _leases(tmp_path, clock).claim(key)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("least", [0, -1, True, 1.0, "1", None, 1 << 62, 10**4000])
def test_what_is_no_token_is_refused(tmp_path, clock, least):
    with pytest.raises(TaskError, match="a token is a whole number"):
        _leases(tmp_path, clock).claim(KEY, least=least)


def _link(path, target):
    path.symlink_to(target)


@pytest.mark.parametrize(
    "plant",
    [
        lambda folder, outside: _link(folder / "ab", outside),
        lambda folder, outside: ((folder / "ab").mkdir(), _link(folder / "ab" / f"{KEY}.1", outside / "made")),
        lambda folder, outside: ((folder / "ab").mkdir(), _link(folder / "ab" / f"{KEY}.1", outside / "there")),
        lambda folder, outside: (folder / "ab" / f"{KEY}.1").mkdir(parents=True),
        lambda folder, outside: ((folder / "ab").mkdir(), os.mkfifo(folder / "ab" / f"{KEY}.1")),
        lambda folder, outside: (folder / "ab").write_text("a file"),
    ],
    ids=["linked folder", "dangling link", "link", "folder", "pipe", "file for a folder"],
)
def test_what_was_planted_is_refused_and_nothing_outside_is_touched(tmp_path, clock, plant):
    folder, outside = tmp_path / "leases", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / "there").write_text("precious")
    before = (outside / "there").stat()
    plant(folder, outside)
    with pytest.raises(StoreError, match=r"symbolic link|no plain file"):
        _leases(folder, clock).claim(KEY)
    assert [path.name for path in outside.iterdir()] == ["there"]
    assert (outside / "there").read_text() == "precious"
    assert (outside / "there").stat().st_mtime_ns == before.st_mtime_ns


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path, clock):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made|cannot be read"):
        _leases(tmp_path / "file" / "leases", clock).claim(KEY)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="this user reads everything")
def test_a_file_that_cannot_be_read_is_an_error(tmp_path, clock):
    _leases(tmp_path, clock).claim(KEY)
    (tmp_path / "ab" / f"{KEY}.1").chmod(0)
    with pytest.raises(StoreError, match="cannot be read"):
        _leases(tmp_path, clock).claim(KEY)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 2_000_000,
        b"[" * 10_000,
        b"[1]",
        b'{"token":-5,"site":7,"pid":"x","host":null}',
        b'{"token":1e99}',
        b'{"token":%d}' % (10**90),
        b'{"token":true,"since":[]}',
        b"\xff\xfe",
    ],
)
def test_a_lease_with_any_content_is_held_and_goes_stale(tmp_path, clock, content):
    path = tmp_path / "ab" / f"{KEY}.1"
    path.parent.mkdir()
    path.write_bytes(content)
    os.utime(path, (clock.now, clock.now))
    assert _leases(tmp_path, clock).claim(KEY) == Held(0, 0.0, {})
    clock.now += 1000
    assert _leases(tmp_path, clock).claim(KEY).token == 1


@pytest.mark.parametrize("site", ['"' * 500, "\\" * 500, "\0" * 500, "é𝄞" * 300])
def test_the_token_is_readable_whatever_the_site_is_called(tmp_path, clock, site):
    _leases(tmp_path, clock, site=site).claim(KEY, least=12)
    assert json.loads((tmp_path / "ab" / f"{KEY}.1").read_text())["token"] == 12


def test_whoever_may_use_the_folder_may_claim_whatever_the_umask(tmp_path, clock):
    tmp_path.chmod(0o2775)
    before = os.umask(0o077)
    try:
        _leases(tmp_path / "leases", clock).claim(KEY)
    finally:
        os.umask(before)
    modes = [(tmp_path / "leases" / rest).stat().st_mode & 0o7777 for rest in ("", "ab", f"ab/{KEY}.1")]
    assert modes == [0o2775, 0o2775, 0o664]


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path, clock, monkeypatch):
    def full(descriptor, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jitnas_fn.stores._lease_files.write_all", full)
    with pytest.raises(StoreError, match="cannot be written .No space left"):
        _leases(tmp_path, clock).claim(KEY)
    assert _names(tmp_path) == []


def test_without_descriptors_of_folders_it_works_by_path(tmp_path, clock, monkeypatch):
    for name in ("BY_DESCRIPTOR", "TIMES_BY_DESCRIPTOR"):
        monkeypatch.setattr(f"jitnas_fn.stores._lease_files.{name}", False)
    leases = _leases(tmp_path, clock)
    first = leases.claim(KEY)
    assert isinstance(leases.claim(KEY), Held)
    assert _renews(first)
    clock.now += 1000
    second = leases.claim(KEY)
    assert not _renews(first)
    second.release(done=True)
    assert _names(tmp_path) == []
    (tmp_path / "cd").symlink_to(tmp_path / "ab")
    with pytest.raises(StoreError, match="symbolic link"):
        leases.claim(OTHER)
