"""A child that is told to stop, by its parent or by a signal, ends its epoch, keeps it, and works on."""

import os
import signal
import sys

import pytest

from jitnas_fn.worker.children import Children
from tests.waiting import until
from tests.worker.asking import item_of
from tests.worker.models import Bad
from tests.worker.watching import LONG, long_item

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no signals")


@pytest.fixture
def child():
    with Children().borrowed(threads=1, fresh=True) as child:
        yield child


@pytest.fixture
def order(tmp_path):
    """Nothing is kept but for a stop."""
    folder = {"folder": str(tmp_path / "kept"), "most_bytes": 10**9, "every_seconds": 1000.0}

    def order_of(item):
        whole = {name: item[name] for name in ("payload", "parts", "dataset", "recipe", "limits")}
        return {**whole, "device": "cpu", "checkpoints": folder}

    return order_of


def _until(child, name):
    """The next event of that name, and the names of those before it."""
    before = []
    while (event := child.next_event(60))["event"] != name:
        before.append(event["event"])
    return event, before


def _stop(child):
    child.send({"stop": True})


def _signal(child):
    os.kill(child._process.pid, signal.SIGTERM)


@pytest.mark.parametrize("tell", [_stop, _signal])
def test_it_stops_after_the_epoch_and_goes_on_with_the_same_order(child, order, tmp_path, tell):
    child.send(order(long_item()))
    assert _until(child, "epoch")[0]["kept"] == 0
    tell(child)
    stopped, _ = _until(child, "stopped")
    assert 0 < stopped["epoch"] < LONG.epochs
    assert [path.name[65:] for path in (tmp_path / "kept").iterdir()] == [f"{stopped['epoch']}.checkpoint"]
    child.send(order(long_item()))
    resumed, before = _until(child, "resumed")
    assert before == ["started", "built", "earlier"]
    assert resumed["epoch"] == stopped["epoch"]
    outcome, before = _until(child, "outcome")
    assert set(before) == {"epoch"}
    assert len(outcome["curves"]["train"]["loss"]) == LONG.epochs
    assert outcome["cost"]["attempts"] == 2


def test_a_stop_that_comes_too_late_does_not_stop_the_next(child, order):
    child.send(order(item_of(Bad("nothing"), keyed=False)))
    _until(child, "outcome")
    _stop(child)
    child.send(order(long_item()))
    _until(child, "outcome")


def test_code_without_a_fingerprint_stops_too_and_keeps_nothing(child, order, tmp_path):
    child.send(order(item_of(Bad("nothing"), LONG, keyed=False)))
    _until(child, "epoch")
    _stop(child)
    assert _until(child, "stopped")[0]["epoch"] == 0
    assert not (tmp_path / "kept").exists()


def test_sigterm_ends_a_child_that_has_nothing_to_do(child):
    _signal(child)
    assert child._process.wait(10) == 0


def test_its_epoch_is_kept_even_if_its_parent_died_of_the_same_signal(child, order, tmp_path):
    child.send(order(long_item()))
    _until(child, "epoch")
    _signal(child)
    child._process.stdin.close()
    assert child._process.wait(20) == 0
    assert len(list((tmp_path / "kept").glob("*.checkpoint"))) == 1


def test_without_the_signal_it_ends_at_once_when_its_parent_is_gone(child, order, tmp_path):
    child.send(order(long_item()))
    _until(child, "epoch")
    child._process.stdin.close()
    assert child._process.wait(20) == 0
    until(lambda: not (tmp_path / "kept").exists())
