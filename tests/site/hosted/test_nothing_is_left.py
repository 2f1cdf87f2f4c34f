"""However the hosted half of a site ends, no process and no file of it stays behind, and it listens on loopback alone."""

import os
import re
import signal
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
    links = (os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir() if os.path.islink(each))
    return {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}


def test_all_of_it_listens_on_loopback_and_two_of_it_may_be_up():
    with elsewhere() as one, elsewhere() as other:
        mine = {inode for pid in processes_of(one.folder) for inode in sockets(pid)}
        addresses = [address for address, inode in listening() if inode in mine]
        assert len(addresses) >= 4  # the service, the broker, its distribution, its epmd
        assert set(addresses) <= {"0100007F", "00000000000000000000000001000000"}
        one.down()
        assert not processes_of(one.folder)
        assert other.requests()["total"] == 0
        assert len(processes_of(other.folder)) > 2
    assert not processes_of(other.folder)
    assert not one.folder.exists()
    assert not other.folder.exists()
    other.down()


def test_a_port_that_is_taken_is_told_and_nothing_is_left():
    with elsewhere() as one:
        other = Hosted(tempfile.mkdtemp(prefix="hosted-", dir="/tmp"), port=one.port)
        with pytest.raises(RuntimeError, match=f"port {one.port} is taken"):
            other.up()
        assert not other.folder.exists()
        assert not processes_of(other.folder)


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path):
    (tmp_path / "mine").touch()
    with pytest.raises(FileExistsError, match="is not empty"):
        elsewhere(tmp_path).up()
    assert (tmp_path / "mine").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_whoever_brought_it_up_dies(number):
    code = """
import tempfile, time
from tests.site.hosted.test_nothing_is_left import elsewhere
with elsewhere() as hosted:
    print(hosted.folder, flush=True)
    time.sleep(600)
"""
    run = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    folder = Path(run.stdout.readline().strip())
    assert re.fullmatch("/tmp/hosted-[^/]+", str(folder))
    assert len(processes_of(folder)) > 2
    run.send_signal(number)
    run.communicate(timeout=30)
    until(lambda: not processes_of(folder) and not folder.exists(), 20)
