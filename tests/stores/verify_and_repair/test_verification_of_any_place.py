"""Verification of whatever it is pointed at: pipes, links, other files, beginnings of caches, very large ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jitnas_fn.core.entry import record_entry
from jitnas_fn.stores.places import CACHE, NoStore, Place, place_at
from tests.stores.documented import entries, record
from tests.stores.verify_and_repair.checked import compacted, found, the_merged_file

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/etc/hostname")])
@pytest.mark.parametrize("place", [f"segments/{'a' * 32}.jsonl", "catalogue/1.json", "store.json"])
def test_what_is_no_file_is_bad_and_not_waited_for(folder, make, place):
    path = folder / place
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    make(path)
    fields = found(folder)
    assert (fields["bad"], fields["records"]) == (1, 3)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_no_store(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NoStore, match="a pipe"):
        place_at(tmp_path / "pipe")


def test_what_is_no_store_says_what_there_is_instead(tmp_path, path, folder, snapshot):
    (tmp_path / "text").write_text("hello\n")
    (tmp_path / "other.json").write_text('{"created":"2026"}')
    compacted(folder)
    for place, message in [
        (tmp_path / "nowhere", "there is no"),
        (tmp_path / "text", "no log entry"),
        (tmp_path / "other.json", "no log entry"),
        (tmp_path, "give that file"),
        (the_merged_file(folder), "part of a shared store"),
        (snapshot / "entries.json", "file of a snapshot"),
        (Path("a\0b"), "no name"),
    ]:
        with pytest.raises(NoStore, match=message):
            place_at(place)


def test_every_beginning_of_a_cache_is_known_as_one(path):
    content = path.read_bytes()
    for size in range(0, len(content), 7):
        path.write_bytes(content[:size])
        assert place_at(path) == Place(CACHE, path)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is counted as Linux does")
def test_a_hundred_thousand_records_are_verified_in_little_memory(tmp_path):
    path = tmp_path / "cache.jsonl"
    with path.open("wb") as file:
        for number in range(50):
            file.write(b"".join(entry.to_json().encode() + b"\n" for entry in entries(number)[:1]))
        for seed in range(100_000):
            file.write(record_entry(record(seed % 50, seed=seed)).to_json().encode() + b"\n")
    code = f"""
import re, resource
from pathlib import Path
from jitnas_fn.stores.places import place_at
from jitnas_fn.stores.verification import verify
counts = verify(place_at(Path({str(path)!r}))).counts
assert (counts["records"], counts["bad"]) == (100_000, 0), counts
status = Path("/proc/self/status")  # what resource says may be the memory of the parent, before this program was loaded
peak = re.search("VmHWM:\\s+(\\d+)", status.read_text())[1] if status.exists() else 0
print(peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=110)
    assert int(done.stdout) * 1024 < 300e6
