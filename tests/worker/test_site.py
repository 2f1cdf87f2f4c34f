import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jitnas_fn.core.errors import NewerVersion, SiteFileError, StoreError
from jitnas_fn.core.task import Limits
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.worker import site as module
from jitnas_fn.worker.site import Site, current, read, use
from tests.samples import a_record


@pytest.fixture
def no_site(site, monkeypatch):
    monkeypatch.delattr(module._here, "site")
    monkeypatch.delenv("JITNAS_SITE", raising=False)
    yield
    use(Site())


def _written(folder, text):
    path = folder / "site.toml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.usefixtures("no_site")
def test_without_a_file_only_documents_are_accepted_and_files_lie_in_the_home_folder(own_home):
    site = current()
    assert site.accepts == ("graph",)
    assert site.trust == "local"
    assert site.place() == own_home / "worker"
    assert site.place().is_dir()
    assert site.cores() >= 1


@pytest.mark.usefixtures("no_site")
def test_the_file_named_in_the_environment_is_read(tmp_path, monkeypatch):
    text = 'name = "cluster"\nfolder = "state"\nthreads = 3\nseconds = 60\ntrust = "site"\ndevice = "cpu"\nmemory_bytes = 5\n'
    monkeypatch.setenv("JITNAS_SITE", str(_written(tmp_path, text)))
    site = current()
    assert (site.name, site.cores(), site.seconds, site.trust, site.device) == ("cluster", 3, 60, "site", "cpu")
    assert site.place() == (tmp_path / "state").resolve()
    assert site.accepts == ("graph",)


def test_a_file_may_accept_code(tmp_path):
    assert read(_written(tmp_path, 'accepts = ["graph", "cloudpickle"]')).accepts == ("graph", "cloudpickle")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour = 1", "no field colour; there are name, folder, accepts"),
        ("store = 1", "store is a folder"),
        ('store = ""', "store is a folder"),
        ('store = "a\\u0000b"', "store is a folder"),
        ("accepts = []", "accepts is a list out of graph, cloudpickle, not '\\[\\]'"),
        ('accepts = "graph"', "accepts is a list"),
        ('accepts = ["pickle"]', "accepts is a list"),
        ("accepts = [[1]]", "accepts is a list"),
        ("threads = 0", "threads is a whole number from 1 on"),
        ("threads = true", "threads is a whole number"),
        ("seconds = nan", "seconds is a number above 0"),
        ("seconds = inf", "seconds is a number above 0"),
        ("checkpoint_bytes = -1", "checkpoint_bytes is a whole number, 0 for no checkpoints"),
        ("checkpoint_bytes = true", "checkpoint_bytes is a whole number"),
        ("checkpoint_bytes = 2e9", "checkpoint_bytes is a whole number"),
        ("checkpoint_seconds = -0.1", "checkpoint_seconds is a number from 0"),
        ("margin_seconds = inf", "margin_seconds is a number from 0"),
        ('margin_seconds = "30"', "margin_seconds is a number from 0"),
        ('device = "tpu"', "device is one of auto, cpu, cuda"),
        ("device = [1]", "device is one of"),
        ('trust = "imported"', "trust is one of local, site, curated"),
        ('name = ""', "name is a printable text"),
        ("folder = 1", "folder is a path"),
        ("name = ", "cannot be read"),
        (f"threads = 1{'0' * 5000}", "cannot be read"),
        (f"threads = 1{'0' * 400}", "threads is a whole number"),
        (f"seconds = 1{'0' * 400}", "seconds is a number above 0"),
        ("grace_seconds = 1e300", "grace_seconds is a number above 0"),
    ],
)
def test_a_wrong_field_is_refused_by_name(tmp_path, text, words):
    with pytest.raises(SiteFileError, match=words):
        read(_written(tmp_path, text))


def test_a_file_says_what_is_kept_of_a_training_and_for_how_long_a_job_must_last(tmp_path):
    plain = read(_written(tmp_path, ""))
    assert (plain.checkpoint_bytes, plain.checkpoint_seconds, plain.margin_seconds) == (2_000_000_000, 1.0, 30.0)
    stated = read(_written(tmp_path, 'folder = "state"\ncheckpoint_bytes = 0\ncheckpoint_seconds = 0\nmargin_seconds = 0.5\n'))
    assert (stated.checkpoint_bytes, stated.checkpoint_seconds, stated.margin_seconds) == (0, 0, 0.5)
    assert stated.checkpoints() == (tmp_path / "state" / "checkpoints").resolve()


def test_a_file_that_is_missing_is_an_error(tmp_path):
    with pytest.raises(SiteFileError, match="cannot be read"):
        read(tmp_path / "none.toml")


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        Site(folder=tmp_path / "file" / "below").place()


def test_each_thread_has_a_site_of_its_own():
    seen = []

    def work(name):
        use(Site(name=name))
        seen.append(current().name)

    before = current()
    for name in ("one", "two"):
        thread = threading.Thread(target=work, args=(name,))
        thread.start()
        thread.join()
    assert seen == ["one", "two"]
    assert current() is before


@pytest.mark.parametrize(
    ("asked", "allowed", "got"), [(None, None, None), (5.0, None, 5.0), (None, 3.0, 3.0), (5.0, 3.0, 3.0), (2.0, 3.0, 2.0)]
)
def test_the_smaller_limit_holds(asked, allowed, got):
    assert Site(seconds=allowed).limits(Limits(seconds=asked)).seconds == got
    memory = [None if value is None else int(value) for value in (asked, allowed, got)]
    assert Site(memory_bytes=memory[1]).limits(Limits(memory_bytes=memory[0])).memory_bytes == memory[2]


def test_a_relative_folder_lies_beside_the_file(tmp_path):
    assert read(_written(tmp_path, 'folder = "a/b"')).folder == Path(tmp_path / "a" / "b").resolve()


def test_a_store_is_a_shared_folder_beside_the_file_and_one_for_all_messages(tmp_path, own_home):
    path = _written(tmp_path, 'store = "shared/store"')
    site = read(path)
    assert isinstance(site.store, SegmentStore)
    assert site.store.folder == (tmp_path / "shared" / "store").resolve()
    assert read(path).store is site.store
    record = a_record()
    site.store.put(record)
    assert SegmentStore(tmp_path / "shared" / "store").get(record.key) == record
    (own_home / "other").mkdir()
    assert read(_written(own_home / "other", 'store = "shared/store"')).store is not site.store


def test_a_folder_that_holds_no_store_is_an_error(tmp_path):
    (tmp_path / "store").write_text("a file")
    with pytest.raises((StoreError, NewerVersion)):
        read(_written(tmp_path, 'store = "store"'))
    (tmp_path / "newer").mkdir()
    (tmp_path / "newer" / "store.json").write_text('{"schema": "jitnas_fn shared store", "schema_version": 99}')
    with pytest.raises(NewerVersion):
        read(_written(tmp_path, 'store = "newer"'))


def test_a_site_file_is_read_again_when_it_was_changed(tmp_path, monkeypatch):
    path = tmp_path / "site.toml"
    path.write_text('name = "before"')
    monkeypatch.setenv("JITNAS_SITE", str(path))
    with ThreadPoolExecutor(1) as thread:  # one that has no site of its own
        first = thread.submit(current).result()
        assert first.name == "before"
        assert thread.submit(current).result() is first
        path.write_text('name = "afterwards"')
        assert thread.submit(current).result().name == "afterwards"
        path.unlink()
        with pytest.raises(SiteFileError, match="cannot be read"):
            thread.submit(current).result()


def test_blocks_say_whether_trainings_wait_for_slurm(tmp_path):
    path = tmp_path / "site.toml"
    for blocks, slurm in (("", False), ("[blocks]\n", True), ('[blocks]\nscheduler = "local"\n', False)):
        path.write_text(blocks)
        assert read(path).slurm is slurm
    path.write_text("blocks = 7")
    with pytest.raises(SiteFileError, match="blocks is a table"):
        read(path)
