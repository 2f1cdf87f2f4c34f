"""Verification of a shared store: what its catalogue states is compared with what is there."""

import pytest

from jitnas_fn.core.errors import NewerVersion
from jitnas_fn.stores import _verify_shared
from jitnas_fn.stores.segments import SegmentStore
from tests.stores.documented import entries
from tests.stores.verify_and_repair.checked import compacted, found, the_merged_file


@pytest.mark.parametrize("place", [0.001, 0.3, 0.6, 0.999])
def test_a_bit_that_flips_in_a_merged_file_is_found(folder, place):
    compacted(folder)
    path = the_merged_file(folder)
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(content)
    fields = found(folder)
    assert fields["bad"] >= 1
    assert {problem["file"] for problem in fields["problems"]} == {str(path)}


@pytest.mark.parametrize("change", [lambda content: content[:-50], lambda content: content + b"{}\n"])
def test_a_merged_file_of_another_length_is_bad(folder, change):
    compacted(folder)
    path = the_merged_file(folder)
    path.write_bytes(change(path.read_bytes()))
    assert found(folder)["bad"] >= 1


def test_a_missing_merged_file_is_bad(folder):
    compacted(folder)
    the_merged_file(folder).unlink()
    fields = found(folder)
    assert fields["bad"] >= 1
    assert "missing" in fields["problems"][0]["what"]


def test_a_missing_segment_that_the_catalogue_states_is_bad(folder):
    compacted(folder)
    late = SegmentStore(folder)
    late.extend(entries(3))
    compacted(folder, idle_seconds=1e9)
    assert found(folder)["bad"] == 0
    (segment,) = (folder / "segments").iterdir()
    segment.unlink()
    fields = found(folder)
    assert fields["bad"] == 1
    assert "missing" in fields["problems"][0]["what"]


def test_a_segment_whose_beginning_is_not_what_the_catalogue_states_is_bad(folder):
    compacted(folder)
    late = SegmentStore(folder)
    late.extend(entries(3))
    compacted(folder, idle_seconds=1e9)
    (segment,) = (folder / "segments").iterdir()
    segment.write_bytes(b"".join(entry.to_json().encode() + b"\n" for entry in entries(4)))
    assert found(folder)["bad"] == 1


def test_a_damaged_catalogue_is_bad_and_the_lines_are_read_all_the_same(folder):
    compacted(folder)
    (path,) = (folder / "catalogue").iterdir()
    path.write_text("{")
    fields = found(folder)
    assert (fields["bad"], fields["records"]) == (1, 3)


def test_merged_lines_that_no_catalogue_names_are_bad(folder):
    compacted(folder)
    (path,) = (folder / "catalogue").iterdir()
    path.unlink()
    fields = found(folder)
    assert fields["bad"] == 3
    assert "repair" in fields["problems"][0]["what"]


def test_a_store_that_is_merged_while_it_is_read_is_read_again(folder, monkeypatch):
    """Before the first segment is opened another process merges all of them and removes them."""
    opened = _verify_shared.opened

    def meanwhile(path, **named):
        if path.parent.name == "segments":
            monkeypatch.undo()
            compacted(folder)
        return opened(path, **named)

    monkeypatch.setattr(_verify_shared, "opened", meanwhile)
    fields = found(folder)
    assert (fields["bad"], fields["records"]) == (0, 3)


def test_a_shared_store_of_a_newer_version_is_refused(folder):
    (folder / "store.json").write_text('{"schema":"jitnas_fn shared store","schema_version":2}')
    with pytest.raises(NewerVersion):
        found(folder)
