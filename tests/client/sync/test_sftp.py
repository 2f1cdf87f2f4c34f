"""A shared store behind SFTP: what most people who have an account on a cluster can reach."""

import gc

import pytest

from jitnas_fn import Client
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import fixed

pytest.importorskip("paramiko")

from tests.client.sftp import NAME, PASSWORD, served


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_over_sftp(tmp_path):
    import fsspec

    shared, cache = SegmentStore(tmp_path / "shared"), TinyStore(tmp_path / "home" / "cache.jsonl")
    for number in range(10):
        shared.put(fixed(number))
    shared.compact()
    with served() as address:
        url, client = f"sftp://{NAME}:{PASSWORD}@{address}{tmp_path}/shared", Client(store=cache)
        done = client.sync(url)
        assert (done.reached, done.new) == (True, 10), done
        assert PASSWORD not in done.source
        shared.put(fixed(10))
        shared.compact()
        assert client.sync(url).new == 1
        fsspec.get_filesystem_class("sftp").clear_instance_cache()
    assert len(cache) == 11
    gone = client.sync(url)
    assert not gone.reached
    assert "last synchronised just now" in str(gone)
    gc.collect()
