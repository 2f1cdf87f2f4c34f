"""However the hosted half of a site ends, no process and no file of it stays behind, and it listens on loopback alone."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.site.configuration import free_ports
from tests.site.hosted import marks
from tests.site.hosted.addresses import ADDRESS
from tests.site.hosted.hosted import ROOT, Hosted
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("globus")


def elsewhere(folder=None):
    """One that may be up beside another: clients do not find it."""
    return Hosted(folder or tempfile.mkdtemp(prefix="hosted-", dir="/tmp"), port=free_ports(ADDRESS, 1)[0])


def processes_of(folder):
    return marks.marked(marks.HOSTED, str(folder))


def listening():
    """Addresses at which any process of this machine listens, with the inode of the socket."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                yield fields[1].partition(":")[0], fields[9]


def sockets(pid):
    links = [str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir() if each.is_symlink()]
    return {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}


def test_all_of_it_listens_on_loopback_and_its_neighbour_goes_on(hosted):
    with elsewhere() as one:
        mine = {inode for pid in processes_of(one.folder) for inode in sockets(pid)}
        addresses = [address for address, inode in listening() if inode in mine]
        assert len(addresses) >= 4  # the service, the broker, its distribution, its epmd
        assert set(addresses) <= {"0100007F", "00000000000000000000000001000000"}
    assert not processes_of(one.folder)
    assert not one.folder.exists()
    assert hosted.requests()
    assert len(processes_of(hosted.folder)) > 2
    one.down()


def test_a_port_that_is_taken_is_told_and_nothing_is_left(hosted):
    other = Hosted(tempfile.mkdtemp(prefix="hosted-", dir="/tmp"))
    with pytest.raises(RuntimeError, match=f"port {hosted.port} is taken"):
        other.up()
    assert not other.folder.exists()
    assert not processes_of(other.folder)


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path):
    (tmp_path / "mine").touch()
    with pytest.raises(FileExistsError, match="is not empty"):
        elsewhere(tmp_path).up()
    assert (tmp_path / "mine").exists()


def test_nothing_is_left_when_whoever_brought_it_up_is_killed():
    code = """
import os, subprocess, sys, tempfile, time
from tests.site.hosted.test_nothing_is_left import elsewhere
seat = [sys.executable, "-m", "tests.site.hosted.namespaces", "user"]
with elsewhere() as hosted:
    unmarked = "setsid env -i sleep 600 & echo $!"  # as a process is that renames itself
    marked = {**os.environ, **hosted.mark}
    begun = subprocess.Popen([*seat, "sh", "-c", unmarked], env=marked, stdout=subprocess.PIPE, text=True)
    print(hosted.folder, begun.stdout.readline(), flush=True)
    time.sleep(600)
"""
    run = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    folder, sleeping = run.stdout.readline().split()
    assert int(sleeping) in processes_of(folder)
    assert len(processes_of(folder)) > 5
    run.kill()
    run.communicate(timeout=30)
    until(lambda: not processes_of(folder) and not Path(folder).exists(), 20)
    assert marks.is_zombie(int(sleeping))
