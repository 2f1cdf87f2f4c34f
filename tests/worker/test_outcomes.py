"""How a run has ended is kept for a day: an answer may be lost on its way, and a message may come twice."""

import os
import time
from pathlib import Path

import pytest

from jitnas_fn.core.errors import ModelFailed, StoreError, WorkerLost
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.worker import outcomes
from jitnas_fn.worker.board import Run
from jitnas_fn.worker.outcomes import Outcomes
from tests.client.models import small
from tests.worker.asking import asked, item_of, results_of, trained
from tests.worker.models import Bad

RUN = "1" * 32
THIS = Run("a" * 64, RUN)
REFUSED = {"key": THIS.key, "error": {"type": "ModelFailed", "message": "no", "retryable": False}}


def sent(item, run=RUN):
    return {**item, "run": run}


def looked_up(item, run=RUN):
    return asked("lookup", keys=[item["key"]], runs=[run], in_flight=True)["results"][0]


def test_an_error_is_told_to_who_asks_after_the_run_and_to_nobody_else():
    item = item_of(Bad("fail"), keyed=False)
    with pytest.raises(ModelFailed):
        trained(sent(item))
    found = looked_up(item)
    assert found["ended"]["error"]["type"] == "ModelFailed"
    assert "KeyError: 'no such thing'" in found["ended"]["error"]["message"]
    assert "ended" not in looked_up(item, run="2" * 32)


def test_an_opaque_record_is_told_where_there_is_no_store_and_its_message_trains_it_once():
    item = item_of(small(outputs=4), keyed=False)
    (first,) = results_of(sent(item))
    assert looked_up(item)["ended"] == first
    (second,) = results_of(sent(item))
    assert second == first  # its id, and the time it was made, are those of the first
    (other,) = results_of(sent(item, run="2" * 32))
    assert other["record"]["record_id"] != first["record"]["record_id"]


@pytest.mark.parametrize("kind", ["NotAllowed", "SiteUnavailable", "WorkerLost"])
def test_what_a_site_does_not_do_today_is_no_end(tmp_path, kind):
    kept = Outcomes(tmp_path)
    kept.keep(THIS, {"key": THIS.key, "error": {"type": kind, "message": "no", "retryable": False}})
    assert kept.of(THIS) is None


def test_a_record_that_the_store_has_is_not_kept_twice(site, tmp_path):
    here = site(store=SegmentStore(tmp_path / "store"))
    item = item_of(small(outputs=4))
    trained(sent(item))
    assert not (here.where() / "outcomes").exists()
    assert looked_up(item)["record"] is not None


def test_a_loss_is_no_end():
    item = item_of(Bad("leave"), keyed=False)
    for _ in range(2):  # whoever lost it sends the same run again, and it is trained
        with pytest.raises(WorkerLost):
            trained(sent(item))
    assert "ended" not in looked_up(item)


def test_whose_run_has_ended_takes_no_ticket(site):
    item = item_of(small(outputs=4))
    site().outcomes().keep(Run(item["key"], RUN), {**REFUSED, "key": item["key"]})
    assert "ended" in looked_up(item)
    assert looked_up(item, run="2" * 32)["in_flight"] is None  # it was free


def test_of_another_key_nothing_is_told(tmp_path):
    kept = Outcomes(tmp_path)
    kept.keep(THIS, REFUSED)
    assert kept.of(THIS) == REFUSED
    (tmp_path / THIS.stem).rename(tmp_path / Run("b" * 64, RUN).stem)
    assert kept.of(Run("b" * 64, RUN)) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"key": 4}', "\0", '{"key": "' + "b" * 64 + '"}'])
def test_a_damaged_file_tells_nothing(tmp_path, text):
    (tmp_path / THIS.stem).write_text(text)
    assert Outcomes(tmp_path).of(THIS) is None


def test_after_a_day_it_goes(tmp_path, monkeypatch):
    Outcomes(tmp_path).keep(THIS, REFUSED)
    os.utime(tmp_path / THIS.stem, (time.time() - outcomes.KEPT_SECONDS - 1,) * 2)
    monkeypatch.setattr(outcomes, "_swept", {})
    other = Run("b" * 64, RUN)
    Outcomes(tmp_path).keep(other, REFUSED)
    assert [path.name for path in tmp_path.iterdir()] == [other.stem]


def test_a_disk_that_refuses_stops_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    Outcomes(tmp_path / "file" / "folder").keep(THIS, REFUSED)


def test_a_record_that_the_store_refused_is_kept(site):
    class Full(MemoryStore):
        def put(self, record):
            raise StoreError("no space left on device")

    site(store=Full())
    item = item_of(small(outputs=4))
    with pytest.warns(UserWarning, match="no space left"):
        (first,) = results_of(sent(item))
    assert looked_up(item)["ended"] == first


def test_on_a_persons_own_machine_nothing_is_kept_for_nobody(site, own_home):
    site(folder=None)
    with pytest.raises(ModelFailed):
        trained(sent(item_of(Bad("fail"), keyed=False)))
    assert not list(own_home.rglob("outcomes"))


def test_the_first_end_counts(tmp_path):
    kept, record = Outcomes(tmp_path), {"key": THIS.key, "record": {"key": THIS.key}, "source": "trained"}
    kept.keep(THIS, record)
    kept.keep(THIS, REFUSED)
    assert kept.of(THIS) == record


def test_there_is_a_bound_to_how_many_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(outcomes, "MOST_FILES", 3)
    kept = Outcomes(tmp_path)
    for number in range(5):
        kept.keep(Run(f"{number:064x}", RUN), {**REFUSED, "key": f"{number:064x}"})
    assert len(list(tmp_path.iterdir())) == 3
    monkeypatch.setattr(outcomes, "_swept", {})
    kept.keep(THIS, REFUSED)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def full(self, text, *_):
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    Outcomes(tmp_path).keep(THIS, REFUSED)
    assert list(tmp_path.iterdir()) == []
