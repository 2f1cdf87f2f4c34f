"""Repair of torn ends in a shared store: whole entries stay, the rest is kept aside, and nobody at work is disturbed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jitnas_fn.core.errors import NewerVersion, StoreError
from jitnas_fn.stores.segments import SegmentStore
from tests.stores.documented import entries
from tests.stores.verify_and_repair.checked import all_of, everything, repaired, seen

ROOT = Path(__file__).resolve().parents[3]
LATER = time.time() + 1e6  # every segment is idle then
WRITER = "a" * 32


def torn_segment(folder, content):
    (folder / "segments").mkdir(parents=True, exist_ok=True)
    path = folder / "segments" / f"{WRITER}.jsonl"
    path.write_bytes(content)
    return path


def test_wherever_a_segment_was_cut_every_whole_entry_stays_and_the_rest_is_kept(tmp_path):
    whole = b"".join(entry.to_json().encode() + b"\n" for entry in entries(0))
    lines, folder = whole.splitlines(), tmp_path / "shared"
    for size in range(len(whole) + 1):
        for old in [path for path in folder.rglob("*") if path.is_file()]:
            old.unlink()
        torn_segment(folder, whole[:size])
        done = repaired(folder, clock=lambda: LATER)
        rest = whole[:size].rpartition(b"\n")[2]
        is_whole = rest in lines
        (path,) = (folder / "segments").iterdir()
        assert path.read_bytes() == b"".join(line + b"\n" for line in lines[: whole[:size].count(b"\n") + is_whole])
        kept = [file.read_bytes() for file in (folder / "aside").iterdir()] if (folder / "aside").exists() else []
        assert kept == ([rest] if rest and not is_whole else [])
        assert (done.torn, done.ended) == (len(kept), int(is_whole))
        if size % 97 == 0:
            before = everything(folder)
            assert "nothing to repair" in str(repaired(folder, clock=lambda: LATER))
            assert everything(folder) == before
            assert len(seen(folder)) == whole[:size].count(b"\n") + is_whole


def test_the_torn_end_of_a_segment_in_use_is_left_alone(folder):
    path = torn_segment(folder, b"torn")
    done = repaired(folder)
    assert (done.left, done.torn) == (1, 0)
    assert path.read_bytes() == b"torn"
    assert repaired(folder, idle_seconds=0, clock=lambda: time.time() + 1).torn == 1


def test_a_writer_that_was_only_asleep_keeps_its_line(folder):
    """It is stopped in the middle of a line; its segment is repaired meanwhile; it goes on."""
    code = f"""
import os, signal, sys
from jitnas_fn.stores import _writer
from jitnas_fn.stores.segments import SegmentStore
from tests.stores.documented import entries
store = SegmentStore({str(folder)!r})
store.extend(entries(7))
write = os.write
def halting(descriptor, content):
    done = write(descriptor, content[:100])
    _writer.os.write = write
    os.kill(os.getpid(), signal.SIGSTOP)
    return done
_writer.os.write = halting
store.extend(entries(8))
"""
    writer = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    os.waitid(os.P_PID, writer.pid, os.WSTOPPED | os.WNOWAIT)
    try:
        assert repaired(folder, clock=lambda: LATER).torn == 1
    finally:
        os.kill(writer.pid, signal.SIGCONT)
    assert writer.wait(60) == 0
    with pytest.warns(UserWarning, match="a damaged entry left out"):  # the other half of the line
        found = {entry.to_json() for entry in SegmentStore(folder).since({})[0]}
    assert sorted(found) == all_of(0, 1, 2, 7, 8)


def test_whoever_merges_keeps_repair_out(folder):
    from jitnas_fn.stores.leases import COMPACTION, Leases

    lease = Leases(folder / "leases").claim(COMPACTION)
    with pytest.raises(StoreError, match="try again"):
        repaired(folder)
    lease.release(done=True)
    repaired(folder)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege")
def test_nothing_is_changed_through_a_link(folder, tmp_path):
    outside = tmp_path / "precious"
    outside.write_bytes(b"not an entry, without a newline")
    (folder / "segments" / f"{WRITER}.jsonl").symlink_to(outside)
    done = repaired(folder, clock=lambda: LATER)
    assert "a symbolic link" in done.lost[0]
    assert outside.read_bytes() == b"not an entry, without a newline"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / f"{WRITER}.jsonl").write_bytes(b"torn")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "segments").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="nothing was repaired"):
        repaired(tmp_path / "other", clock=lambda: LATER)


def test_a_shared_store_of_a_newer_version_is_not_touched(folder):
    torn_segment(folder, b"torn")
    (folder / "store.json").write_text('{"schema":"jitnas_fn shared store","schema_version":2}')
    before = everything(folder)
    with pytest.raises(NewerVersion):
        repaired(folder, clock=lambda: LATER)
    assert everything(folder) == before
