"""The files themselves: whole or not used, bounded, and never in the way of the training."""

import dataclasses
import os
import pickle
import shutil
import subprocess
import sys

import pytest
import torch

from jitnas_fn.core.codec import canonical
from jitnas_fn.training import checkpoint, checkpoint_files
from jitnas_fn.training.checkpoint import FORMAT
from tests.training.attempts import CONDITIONS, RECIPE, Cut, attempt, begin, checkpoints, kept_in, parts_of

posix = pytest.mark.skipif(os.name != "posix", reason="needs links, pipes and permissions")


@pytest.fixture
def heard():
    return []


@pytest.fixture
def went_on_from(tmp_path, heard):
    """Train to the end in the folder of this test; the epoch that it went on from, and what was warned of on the way."""

    def train(**changes):
        whole, heard[:] = attempt(), []
        keeper, begun = checkpoints(tmp_path, warn=heard.append, **changes), []
        latest = keeper.latest
        keeper.latest = lambda suits: begun.append(latest(suits)) or begun[-1]
        assert attempt(keeper) == whole
        return len(begun[0].history) if begun[0] is not None else 0

    return train


def path_of(folder, epoch):
    return checkpoint_files.path_of(folder, checkpoint.key_of(parts_of()), epoch)


def rewritten(path, change):
    """Put something else in a file, with a good hash."""
    import hashlib

    first, rest = path.read_bytes().split(b"\n", 1)
    rest = change(*rest.split(b"\n", 1))
    path.write_bytes(b" ".join([*first.split(b" ")[:-1], hashlib.sha256(rest).hexdigest().encode()]) + b"\n" + rest)


def test_the_newest_two_are_kept(tmp_path, went_on_from):
    begin(tmp_path, epochs=4)
    assert kept_in(tmp_path) == ["3.checkpoint", "4.checkpoint"]
    assert went_on_from() == 4
    assert kept_in(tmp_path) == ["4.checkpoint", "5.checkpoint"]


def test_a_file_is_for_its_owner_alone(tmp_path):
    begin(tmp_path, epochs=1)
    assert os.name != "posix" or path_of(tmp_path, 1).stat().st_mode & 0o077 == 0


DAMAGES = {
    "cut": lambda content: content[:-100],
    "empty": lambda content: b"",
    "a flipped bit in the tensors": lambda content: content[:-2000] + bytes([content[-2000] ^ 1]) + content[-1999:],
    "a flipped bit in the header": lambda content: content.replace(b'"epochs":5', b'"epochs":7'),
    "a line of something else": lambda content: b"x" * 10_000,
    "of an epoch that it is not": lambda content: content,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_one_is_set_aside_and_the_earlier_used(tmp_path, went_on_from, heard, damage):
    begin(tmp_path)
    path = path_of(tmp_path, 2 if damage.startswith("of") else 3)
    content = DAMAGES[damage](path.read_bytes())
    path_of(tmp_path, 3).write_bytes(content)
    assert went_on_from() == 2
    assert len(heard) == 1
    assert "epoch 3" in heard[0]
    assert "set aside" in heard[0]
    assert path_of(tmp_path, 3).with_suffix(".checkpoint.corrupt").read_bytes() == content


def test_one_of_another_key_is_set_aside(tmp_path, went_on_from, heard):
    begin(tmp_path)
    other = dataclasses.replace(RECIPE, learning_rate=0.1)
    begin(tmp_path / "other", recipe=other)
    (path,) = (tmp_path / "other").glob("*.3.checkpoint")
    path.replace(path_of(tmp_path, 3))
    (tmp_path / "other" / "x").touch()
    shutil.rmtree(tmp_path / "other")
    assert went_on_from() == 2
    assert "another task" in heard[0]


def test_of_those_set_aside_one_is_left(tmp_path, went_on_from, heard):
    for epochs in (2, 3, 4):
        begin(tmp_path, epochs=epochs, warn=heard.append)
        path_of(tmp_path, epochs).write_bytes(b"")
    assert went_on_from() == 3
    assert [name for name in kept_in(tmp_path) if name.endswith("corrupt")] == ["4.checkpoint.corrupt"]


def test_if_all_are_damaged_it_begins_anew(tmp_path, went_on_from, heard):
    begin(tmp_path)
    for epoch in (2, 3):
        path_of(tmp_path, epoch).write_bytes(b"nonsense")
    assert went_on_from() == 0
    assert len(heard) == 2


def test_that_of_a_newer_version_is_left_alone_and_the_earlier_used(tmp_path, went_on_from, heard):
    begin(tmp_path)
    newer = path_of(tmp_path, 3).read_bytes().replace(b"checkpoint %d" % FORMAT, b"checkpoint %d" % (FORMAT + 1), 1)
    path_of(tmp_path, 3).write_bytes(newer)
    assert went_on_from() == 2
    assert f"has format {FORMAT + 1}, and this version of jitnas_fn reads {FORMAT}" in heard[0]


def test_one_made_under_other_conditions_is_not_used(tmp_path, went_on_from, heard):
    begin(tmp_path, conditions={**CONDITIONS, "device": "cuda"})
    assert went_on_from() == 0
    assert "made under {'device': 'cuda'" in heard[0]


def test_the_environments_of_all_attempts_are_known(tmp_path):
    begin(tmp_path, epochs=1, environment={"device": "one"})
    keeper = checkpoints(tmp_path, environment={"device": "other"})
    with pytest.raises(Cut):
        attempt(keeper, cut_after=2)
    assert keeper.environments == [{"device": "one"}]
    keeper = checkpoints(tmp_path, environment={"device": "other"})
    with pytest.raises(Cut):
        attempt(keeper, cut_after=3)
    assert keeper.environments == [{"device": "one"}, {"device": "other"}]


class Exploit:
    def __reduce__(self):
        return os.mkdir, ("exploited",)


FORGED = {
    "code": lambda state: {**state, "network": Exploit()},
    "a tensor of another shape": lambda state: {**state, "network": {**state["network"], "p0": torch.zeros(1)}},
    "a tensor of another type": lambda state: {**state, "network": {n: t.double() for n, t in state["network"].items()}},
    "a tensor too few": lambda state: {**state, "network": dict(list(state["network"].items())[1:])},
    "an optimiser of another kind": lambda state: {**state, "optimiser": {0: {"exp_avg": torch.zeros(1)}}},
    "an optimiser of more": lambda state: {**state, "optimiser": {99: {"momentum_buffer": torch.zeros(1)}}},
    "an optimiser of none": lambda state: {**state, "optimiser": [1, 2]},
    "no random state": lambda state: {**state, "random": {}},
    "a random state of another length": lambda state: {**state, "random": {"cpu": torch.zeros(3, dtype=torch.uint8)}},
    "nothing": lambda state: {},
    "a list": lambda state: [1],
}


@pytest.mark.parametrize("forged", FORGED)
def test_what_was_forged_runs_no_code_and_is_not_used(tmp_path, went_on_from, heard, forged, monkeypatch):
    begin(tmp_path)
    monkeypatch.chdir(tmp_path)

    def change(header, body):
        import io

        new = io.BytesIO()
        torch.save(FORGED[forged](torch.load(io.BytesIO(body), weights_only=True)), new)
        return header + b"\n" + new.getvalue()

    rewritten(path_of(tmp_path, 3), change)
    assert went_on_from() == 2
    assert "epoch 3" in heard[0]
    assert not (tmp_path / "exploited").exists()


def test_a_bare_pickle_runs_no_code(tmp_path, went_on_from, monkeypatch):
    begin(tmp_path)
    monkeypatch.chdir(tmp_path)
    rewritten(path_of(tmp_path, 3), lambda header, body: header + b"\n" + pickle.dumps(Exploit()))
    assert went_on_from() == 2
    assert not (tmp_path / "exploited").exists()


@pytest.mark.parametrize("field", ["history", "cost", "seconds", "epochs", "environments", "conditions"])
@pytest.mark.parametrize("value", [None, [], {}, [1, 2, 3], [{"train": 5}] * 3, "x"], ids=str)
def test_a_header_that_makes_no_sense_is_not_used(tmp_path, went_on_from, field, value):
    begin(tmp_path)

    def change(header, body):
        return (
            canonical({**checkpoint.parse(header.decode(), max_bytes=10**6, error=ValueError, what=""), field: value}).encode()
            + b"\n"
            + body
        )

    rewritten(path_of(tmp_path, 3), change)
    assert went_on_from() == (3 if field == "environments" and isinstance(value, (list, dict, str)) else 2)


@posix
@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "folder"])
def test_what_is_no_file_is_neither_read_nor_waited_for_nor_followed(tmp_path, went_on_from, heard, kind):
    begin(tmp_path)
    path, outside = path_of(tmp_path, 3), tmp_path / "outside"
    path.replace(outside)
    before = outside.read_bytes()
    {
        "link": lambda: path.symlink_to(outside),
        "dangling link": lambda: path.symlink_to(tmp_path / "none"),
        "pipe": lambda: os.mkfifo(path),
        "folder": path.mkdir,
    }[kind]()
    assert went_on_from() == 2
    assert "no file" in heard[0] or "not a file" in heard[0]
    assert outside.read_bytes() == before
    assert not (tmp_path / "none").exists()


@posix
def test_a_link_in_the_way_is_replaced_and_not_written_through(tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    (tmp_path / "kept").mkdir()
    path_of(tmp_path / "kept", 1).symlink_to(outside)
    keeper = checkpoints(tmp_path / "kept")
    keeper.latest = lambda suits: None
    attempt(keeper)
    assert outside.read_bytes() == b"mine"


def test_a_folder_in_the_way_is_worked_around(tmp_path, heard):
    path_of(tmp_path, 2).mkdir(parents=True)
    keeper = checkpoints(tmp_path, warn=heard.append)
    assert attempt(keeper) == attempt()
    assert keeper.kept in (1, 5)


def test_what_is_too_large_is_not_written_and_that_is_said_once(tmp_path, heard):
    keeper = checkpoints(tmp_path, most_bytes=100, warn=heard.append)
    assert attempt(keeper) == attempt()
    assert keeper.kept == 0
    assert list(tmp_path.iterdir()) == []
    assert len(heard) == 1
    assert "this site keeps at most 100 (checkpoint_bytes)" in heard[0]


@posix
def test_where_no_folder_can_be_made_it_goes_on_and_says_so_once(tmp_path, heard):
    (tmp_path / "file").write_text("")
    assert attempt(checkpoints(tmp_path / "file" / "below", warn=heard.append)) == attempt()
    assert len(heard) == 1
    assert "trained on without a checkpoint" in heard[0]


@pytest.fixture
def disk(tmp_path):
    """A disk of 64 kilobytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_on_a_full_disk_it_goes_on_says_so_once_and_leaves_no_rest(disk, heard):
    begin(disk, epochs=1)
    (disk / "ballast").write_bytes(b"x" * (shutil.disk_usage(disk).free - 4096))
    assert attempt(checkpoints(disk, warn=heard.append)) == attempt()
    assert len(heard) == 1
    assert "No space left" in heard[0]
    assert sorted(path.name[-12:] for path in disk.iterdir()) == [".1.checkpoint"[-12:], "ballast"]


def test_on_a_disk_that_cannot_be_written_it_goes_on_from_what_is_there(disk, heard):
    begin(disk)
    path_of(disk, 3).write_bytes(b"damaged")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    keeper = checkpoints(disk, warn=heard.append)
    assert attempt(keeper) == attempt()
    assert keeper.kept == 2
    assert ["set aside" in heard[0], "Read-only file system" in heard[1]] == [True, True]
    assert len(heard) == 2


def test_when_there_is_room_again_it_keeps_again(disk, heard, monkeypatch):
    monkeypatch.setattr(checkpoint, "AGAIN_SECONDS", 0.0)
    ballast = disk / "ballast"
    ballast.write_bytes(b"x" * shutil.disk_usage(disk).free)
    keeper = checkpoints(disk, warn=heard.append)
    asked = []
    attempt(keeper, stop=lambda: asked.append(1) or (len(asked) == 3 and ballast.unlink(missing_ok=True)))
    assert keeper.kept == RECIPE.epochs
    assert len(heard) == 1


def test_after_a_failure_the_disk_is_left_in_peace_for_a_while(tmp_path, heard, monkeypatch):
    tried = []

    def full(*given):
        tried.append(1)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    attempt(checkpoints(tmp_path, warn=heard.append))
    assert (len(tried), len(heard)) == (1, 1)
    assert list(tmp_path.iterdir()) == []


def test_short_epochs_are_kept_when_enough_work_has_gathered(tmp_path):
    keeper = checkpoints(tmp_path, every_seconds=1.0)
    assert not keeper.due(0.9)
    assert keeper.due(1.0)
    keeper._kept_at = 1.0
    assert not keeper.due(1.9)
    keeper._took = 0.1  # a slow disk: what is kept takes no more than a fortieth of the time
    assert not keeper.due(4.9)
    assert keeper.due(5.1)
    keeper._took = 100.0
    assert keeper.due(61.1)
    assert checkpoints(tmp_path, every_seconds=0.0).due(0.0)


def test_a_short_training_leaves_no_file(tmp_path):
    attempt(checkpoints(tmp_path / "never made", every_seconds=1000.0))
    assert not (tmp_path / "never made").exists()


def test_what_is_cleared_is_gone(tmp_path):
    begin(tmp_path)
    path_of(tmp_path, 1).with_suffix(".checkpoint.corrupt").touch()
    (tmp_path / "theirs").touch()
    keeper = checkpoints(tmp_path)
    keeper.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]
    assert keeper.latest(lambda state: True) is None
