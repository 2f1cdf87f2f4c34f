"""What is damaged or gone at a shared store costs no more than itself, and is told."""

import functools

import pytest

from jitnas_fn.client.synced import progress_of
from jitnas_fn.core.entry import retraction_entry
from jitnas_fn.core.errors import StoreError
from tests.client.sync.reading import changed, named_in_manifest
from tests.client.sync.serving import Ranges, served
from tests.samples import fixed, ids


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        (lambda f: f["merged"][0]["writers"][0]["chunks"][0].__setitem__(2, "0" * 64), 20),
        (lambda f: f["merged"][0]["writers"][0]["chunks"][0].__setitem__(0, 10**9), 20),
        (lambda f: f["merged"][0].update(begins=f["merged"][0]["begins"] + 1), 19),  # the first part begins within a line
    ],
)
def test_of_what_a_manifest_describes_wrongly_only_what_has_a_hash_of_its_own_is_kept(client, cache, shared, change, kept):
    shared.close()
    shared.compact()
    changed(shared, change)
    with pytest.raises(StoreError, match=r"does not have the content .*all else was synchronised \(\d\d new\)"):
        client.sync(str(shared.folder))
    assert len(ids(cache)) == kept


def test_a_damaged_record_costs_nothing_but_itself_and_comes_once_it_is_whole(client, cache, shared):
    shared.close()
    shared.compact()
    merged = named_in_manifest(shared)
    content = merged.read_bytes()
    merged.write_bytes(content.replace(b'"accuracy":0.5', b'"accuracy":0.9', 1))
    for _ in range(2):  # it is asked for again each time
        with pytest.raises(StoreError, match="jitnas cache verify"):
            client.sync(str(shared.folder))
        assert len(ids(cache)) == 19
    merged.write_bytes(content)
    assert client.sync(str(shared.folder)).new == 1
    assert len(ids(cache)) == 20


def test_what_a_damaged_chunk_retracts_is_not_believed(client, cache, shared):
    shared.append(retraction_entry(fixed(1).record_id, "withdrawn", created="2026-01-01T00:00:00Z"))
    shared.close()
    shared.compact()
    merged = named_in_manifest(shared)
    content = merged.read_bytes()
    mine, other = (b'"withdrawn","record_id":"' + fixed(number).record_id.encode() for number in (1, 2))
    assert content.count(mine) == 1
    merged.write_bytes(content.replace(mine, other))
    with pytest.raises(StoreError, match="does not have the content"):
        client.sync(str(shared.folder))
    assert cache.get(fixed(2).key) == fixed(2)


def test_a_file_that_is_gone_costs_nothing_but_what_was_in_it(client, cache, shared):
    merged = named_in_manifest(shared)
    merged.unlink()
    with pytest.raises(StoreError, match=f"merged/{merged.name}, which its manifest names, cannot be read"):
        client.sync(str(shared.folder))
    assert 0 < len(ids(cache)) < 20


class Forbidding(Ranges):
    """A server that does not give out one file."""

    name, status = "", 403

    def do_GET(self):  # noqa: N802  the base class names it
        if self.path.endswith(self.name):
            self.send_error(self.status)
        else:
            super().do_GET()


@pytest.mark.parametrize("status", [403, 410, 500])
def test_a_file_that_a_server_does_not_give_out_costs_nothing_but_what_is_in_it(client, cache, shared, status):
    name = named_in_manifest(shared).name
    handler = type("Handler", (Forbidding,), {"name": name, "status": status})
    with (
        served(functools.partial(handler, directory=str(shared.folder))) as url,
        pytest.raises(StoreError, match=f"{name}, which its manifest names, cannot be read"),
    ):
        client.sync(url)
    assert 0 < len(ids(cache)) < 20


def test_a_server_that_is_busy_is_one_that_cannot_be_reached(client, shared):
    handler = type("Handler", (Forbidding,), {"name": named_in_manifest(shared).name, "status": 503})
    with served(functools.partial(handler, directory=str(shared.folder))) as url:
        done = client.sync(url)
    assert not done.reached


def test_a_folder_in_the_place_of_a_file_costs_nothing_but_what_was_in_it(client, cache, shared):
    merged = named_in_manifest(shared)
    merged.unlink()
    merged.mkdir()
    with pytest.raises(StoreError, match="cannot be read"):
        client.sync(str(shared.folder))
    assert 0 < len(ids(cache)) < 20


def test_a_place_that_gave_nothing_is_remembered_all_the_same(client, cache, shared):
    named_in_manifest(shared).unlink()
    for segment in (shared.folder / "segments").iterdir():
        segment.unlink()
    with pytest.raises(StoreError, match="synchronise again"):
        client.sync(str(shared.folder))
    assert list(progress_of(cache).sources()) == [str(shared.folder)]
