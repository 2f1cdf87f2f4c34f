"""Disks that fill up or refuse to be written while a model is trained, and checkpoints that they spoil: the record comes."""

import contextlib
import os
import shutil
import signal
import subprocess
import time

import pytest

from jitnas_fn import Client
from jitnas_fn.core.errors import JitnasError, SiteUnavailable, StoreError
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.training import checkpoint_files
from tests.site.needs import LACK, can_mount
from tests.site.training.models import BRIEF, LONG, QUICK, assert_as_undisturbed, at_epoch, small

CHILD = "jitnas_fn.worker.child"
PATIENCE = 120


class Disk:
    """A disk of its own for one folder: of four megabytes, to be filled or made read-only, and mended again."""

    def __init__(self, folder, behind):
        self.folder, self._behind = folder, behind
        folder.mkdir()
        behind.mkdir()
        self._mounted = []
        self._mount(behind, "-t", "tmpfs", "-o", "size=4m", "tmpfs")
        self._mount(folder, "--bind", behind)

    def fill(self):
        """Take the room that is left, and what becomes free of it while somebody tries to write."""
        with (self._behind / "ballast").open("ab", buffering=0) as ballast:
            end = time.monotonic() + 0.5
            while time.monotonic() < end:
                with contextlib.suppress(OSError):
                    while ballast.write(b"x" * 4096):
                        end = time.monotonic() + 0.5
                time.sleep(0.02)
        assert shutil.disk_usage(self._behind).free == 0

    def refuse(self):
        """Lay the same files over the folder, read-only: the kernel refuses to change a mount while a file of it is open."""
        self._mount(self.folder, "--bind", self._behind)
        subprocess.run(["mount", "-o", "remount,bind,ro", str(self.folder)], check=True)

    def mend(self):
        (self._behind / "ballast").unlink(missing_ok=True)
        while len(self._mounted) > 2:
            self._unmount()

    def close(self):
        while self._mounted:
            self._unmount()

    def _mount(self, place, *words):
        subprocess.run(["mount", *map(str, words), str(place)], check=True, capture_output=True)
        self._mounted.append(place)

    def _unmount(self):
        subprocess.run(["umount", "--lazy", str(self._mounted.pop())], check=True)  # what is left of a job may have files open


@pytest.fixture
def disk_of(here):
    """Puts one of the site's two folders on a disk of its own."""
    if not can_mount():
        pytest.skip(f"{LACK}only root can mount a small disk, and not in every container")
    disks = []

    def put(name):
        disks.append(Disk(here.folder / name, here.folder / f"{name} behind"))
        return disks[-1]

    yield put
    here.close()
    for disk in disks:
        disk.close()


FAULTS = {"full": Disk.fill, "read-only": Disk.refuse}


def printed(here):
    """What all jobs wrote to their standard error."""
    return "".join(path.read_text(errors="replace") for path in (here.folder / "worker" / "parsl").rglob("*.stderr"))


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_the_disk_of_the_folder_fails_and_the_training_goes_on_without_checkpoints(here, disk_of, fault):
    disk, executor = disk_of("worker"), here.executor(most=1)
    client = Client(store=MemoryStore(), executor=executor)
    evaluation = client.submit(small, **BRIEF)
    at_epoch(evaluation, 5)
    FAULTS[fault](disk)
    assert not evaluation.done()
    kept = checkpoint_files.epochs_of(here.folder / "worker" / "checkpoints", evaluation.key)
    record = evaluation.result(PATIENCE)
    assert kept[-1] < BRIEF["recipe"].epochs / 2  # more than half of it was trained since
    assert_as_undisturbed(record, attempts=1, ask=BRIEF)
    assert here.store.get(record.key) == record
    another = client.submit(small, **QUICK).exception(PATIENCE)
    assert another is None or isinstance(another, JitnasError)  # it may need a job, and there is no room for its script
    disk.mend()
    assert client.evaluate(small, **QUICK, seed=1).verdict == "trained"
    again = Client(store=MemoryStore(), executor=executor).submit(small, **BRIEF)
    assert (again.result(PATIENCE), again.source) == (record, "shared")


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_the_disk_of_the_store_fails_and_the_record_is_answered_all_the_same(here, disk_of, fault):
    disk, executor = disk_of("store"), here.executor(most=1)
    evaluation = Client(store=MemoryStore(), executor=executor).submit(small, **BRIEF)
    at_epoch(evaluation, 5)
    FAULTS[fault](disk)
    assert not evaluation.done()
    record = evaluation.result(PATIENCE)
    assert_as_undisturbed(record, attempts=1, ask=BRIEF)
    assert len(here.store) == 0
    here.cluster.wait_until(lambda: "was trained and is not kept in full" in printed(here), 30)
    disk.mend()
    here.as_if_waited(200)  # where not even its removal was possible, the lease goes stale
    again = Client(store=MemoryStore(), executor=executor).submit(small, **BRIEF)
    assert_as_undisturbed(again.result(PATIENCE), attempts=2, ask=BRIEF)
    assert again.source == "trained"
    assert (len(here.store), here.leases()) == (1, [])


def test_a_store_that_is_read_only_from_the_beginning_is_a_typed_error_until_it_is_mended(here, disk_of):
    disk, executor = disk_of("store"), here.executor(most=1)
    disk.refuse()
    client = Client(store=MemoryStore(), executor=executor)
    error = client.submit(small, **QUICK).exception(PATIENCE)
    assert isinstance(error, StoreError)
    assert "Read-only file system" in str(error)
    disk.mend()
    record = client.evaluate(small, **QUICK)
    disk.refuse()
    again = Client(store=MemoryStore(), executor=executor).submit(small, **QUICK)
    assert (again.result(PATIENCE), again.source) == (record, "shared")  # it can still be read
    assert len(here.jobs()) == 1


def test_a_folder_that_is_read_only_from_the_beginning_is_a_typed_error_until_it_is_mended(here, disk_of):
    disk = disk_of("worker")
    disk.refuse()
    client = here.client(most=1)
    assert isinstance(client.submit(small, **QUICK).exception(PATIENCE), SiteUnavailable)
    disk.mend()
    assert client.evaluate(small, **QUICK).verdict == "trained"


def flipped(content):
    return content[:-2000] + bytes([content[-2000] ^ 1]) + content[-1999:]


def halved(content):
    return content[: len(content) // 2]


class Kept:
    """The checkpoints of one evaluation."""

    def __init__(self, here, evaluation):
        self.here, self.evaluation = here, evaluation
        self.folder = here.folder / "worker" / "checkpoints"

    def damage_the_newest(self, damage):
        """Damage it, and remember what was there."""
        self.epochs = checkpoint_files.epochs_of(self.folder, self.evaluation.key)
        path = checkpoint_files.path_of(self.folder, self.evaluation.key, self.epochs[-1])
        self.content = damage(path.read_bytes())
        path.write_bytes(self.content)

    def assert_the_one_before_was_used(self):
        """While the next attempt is on its way: with the record all checkpoints go."""
        _, after = self.here.resumed(self.evaluation, PATIENCE)
        assert after == self.epochs[-2]
        newest = checkpoint_files.path_of(self.folder, self.evaluation.key, self.epochs[-1])
        assert newest.with_suffix(".checkpoint.corrupt").read_bytes() == self.content


@pytest.mark.parametrize("damage", [flipped, halved])
def test_the_newest_checkpoint_is_damaged_and_the_child_killed(here, damage):
    evaluation = here.client(most=1).submit(small, **LONG)
    at_epoch(evaluation, 10)
    (child,) = here.pids(CHILD)
    here.halt(child)  # else it writes the next one meanwhile
    kept = Kept(here, evaluation)
    kept.damage_the_newest(damage)
    os.kill(child, signal.SIGKILL)
    kept.assert_the_one_before_was_used()
    assert_as_undisturbed(evaluation.result(PATIENCE), attempts=2)
    assert list(kept.folder.iterdir()) == []


@pytest.mark.slow
def test_the_newest_checkpoint_is_damaged_while_its_job_is_requeued(here):
    evaluation = here.client(most=1).submit(small, **LONG)
    at_epoch(evaluation, 10)
    (job,) = here.running()
    here.cluster.requeue(job)
    here.cluster.wait_until(lambda: not here.pids(CHILD), 30)  # and Slurm holds the job back for some seconds
    kept = Kept(here, evaluation)
    kept.damage_the_newest(flipped)
    kept.assert_the_one_before_was_used()
    assert_as_undisturbed(evaluation.result(PATIENCE), attempts=2)
    assert here.jobs() == [job]
