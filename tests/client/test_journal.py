"""What is under way outlives its process: written down when it begins, taken up by the next one."""

import json
import os
import subprocess
import sys
import textwrap
import threading

import pytest
import tenacity

from jitnas_fn import Client
from jitnas_fn.client import journal as of_journal
from jitnas_fn.client import losses
from jitnas_fn.client.journal import Journal
from jitnas_fn.client.under_way import FOLDER, alone_with, files_in, is_open, left_in
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.core.errors import NotAllowed, SiteUnavailable, WorkerLost
from jitnas_fn.settings import home
from jitnas_fn.stores.memory import MemoryStore
from tests.client.fakes import Held, trained
from tests.client.models import Wider, small
from tests.waiting import until

ASK = {"dataset": "digits", "recipe": "instant"}
HERE, THERE = {"backend": "fake", "endpoint": "here"}, {"backend": "fake", "endpoint": "there"}


class Far(Held):
    """An executor whose trainings outlive this process."""

    def __init__(self, place=HERE):
        super().__init__()
        self.place = place


def a_client(place=HERE):
    executor = Far(place)
    return Client(store=MemoryStore(), executor=executor), executor


def killed(lines):
    """What a process does that is killed before it can end anything."""
    script = f"""
        import os
        from jitnas_fn import Client
        from jitnas_fn.stores.memory import MemoryStore
        from tests.client.models import Respelled, Wider, small
        from tests.client.test_journal import ASK, HERE, THERE, a_client
        client, executor = a_client()
        {lines}
        print(*[text for _, text in executor.calls], sep="\\n", flush=True)
        os.kill(os.getpid(), 9)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    return done.stdout.splitlines()


def messages_left():
    return [left.message for path in files_in(home()) for left in left_in(path)]


def test_what_a_killed_process_has_asked_for_is_taken_up_under_the_same_run():
    sent = killed("client.map([small, Wider], **ASK)")
    assert messages_left() == sent
    client, executor = a_client()
    first, second = client.attach()
    assert [text for _, text in executor.calls] == sent
    executor.answer(0)
    executor.answer(1)
    keys = [Envelope.from_json(text).items("tasks")[0]["key"] for text in sent]
    assert [first.result(5).key, second.result(5).key] == keys
    assert client.attach() == []
    assert files_in(home()) == []


def test_what_ended_is_not_taken_up():
    killed("a, b = client.map([small, Wider], **ASK); executor.answer(0); assert a.result(5)")
    client, _ = a_client()
    (evaluation,) = client.attach()
    assert evaluation is client.submit(Wider, **ASK)


def test_what_is_known_by_now_needs_no_training():
    (sent,) = killed("client.submit(small, **ASK)")
    client, executor = a_client()
    asked = client.submit(small, **ASK)
    executor.calls[0][0].set_result(trained(sent))
    assert asked.result(5)
    (evaluation,) = client.attach()
    assert evaluation.source == "cache"
    assert len(executor.calls) == 1
    assert files_in(home()) == []


def test_what_was_asked_elsewhere_stays_for_whoever_asks_there():
    killed("client.submit(small, **ASK)")
    client, _ = a_client(THERE)
    assert client.attach() == []
    assert len(messages_left()) == 1
    client, _ = a_client(HERE)
    assert len(client.attach()) == 1


def test_what_a_living_process_waits_for_is_its_own():
    client, _ = a_client()
    client.submit(small, **ASK)
    other, _ = a_client()
    assert other.attach() == []
    (path,) = files_in(home())
    assert is_open(path)


def test_of_two_processes_one_takes_it_up():
    killed("client.submit(small, **ASK)")
    first, second = a_client()[0], a_client()[0]
    assert [len(first.attach()), len(second.attach())] == [1, 0]


def test_whoever_took_it_up_and_is_killed_leaves_it_to_the_next():
    sent = killed("client.submit(small, **ASK)")
    assert killed("client.attach()") == sent
    assert len(a_client()[0].attach()) == 1


def test_code_is_sent_again_as_it_was():
    (sent,) = killed("client.submit(small, **ASK, identity='none')")
    client, executor = a_client()
    (evaluation,) = client.attach()
    assert executor.calls[0][1] == sent
    executor.answer(0)
    assert evaluation.result(5).key == evaluation.key
    assert evaluation.key.startswith("opaque-")


def test_a_failure_a_cancel_and_a_deadline_end_it_too(monkeypatch):
    client, executor = a_client()
    failed, cancelled = client.map([small, Wider], **ASK)
    executor.calls[0][0].set_exception(ValueError("no"))
    assert cancelled.cancel()
    assert failed.exception(5)
    assert files_in(home()) == []


def test_what_was_lost_with_the_executor_may_be_taken_up_later(monkeypatch):
    monkeypatch.setattr(losses, "TRIES", {**losses.TRIES, "WorkerLost": 0, losses.NODE: 0})
    client, executor = a_client()
    evaluation = client.submit(small, **ASK)
    executor.calls[0][0].set_exception(WorkerLost("shut down"))
    assert evaluation.exception(5)
    assert len(messages_left()) == 1


def test_an_executor_that_says_no_place_leaves_nothing():
    Client(store=MemoryStore(), executor=Held()).submit(small, **ASK)
    assert files_in(home()) == []


def test_torn_lines_and_hostile_ones_count_for_nothing(tmp_path):
    killed("client.submit(small, **ASK)")
    (path,) = files_in(home())
    whole = path.read_text()
    path.write_text(f'{whole}{{"run": "../../x", "place": {{}}, "at": 1, "message": "m"}}\n[]\n{whole[:50]}')
    assert len(a_client()[0].attach()) == 1


def test_a_message_that_is_damaged_is_told_of_and_forgotten():
    killed("client.submit(small, **ASK)")
    (path,) = files_in(home())
    path.write_text(path.read_text().replace("digits", "digitz"))
    client, _ = a_client()
    with pytest.warns(UserWarning, match="cannot be taken up.*digitz"):
        assert client.attach() == []
    assert files_in(home()) == []


def test_a_disk_that_refuses_stops_nothing(caplog):
    (home() / FOLDER).write_text("a file")
    client, executor = a_client()
    evaluation = client.submit(small, **ASK)
    executor.answer(0)
    assert evaluation.result(5)
    assert "cannot be taken up" in caplog.text


def test_no_file_is_for_other_eyes():
    client, _ = a_client()
    client.submit(small, **ASK)
    assert os.stat(home() / FOLDER).st_mode & 0o077 == 0  # noqa: PTH116


def test_a_journal_that_has_ended_begins_again(tmp_path):
    journal = Journal(tmp_path, place=HERE)
    for run in ("1" * 32, "2" * 32):
        journal.begin(run, "m")
        (path,) = files_in(tmp_path)
        assert [left.run for left in left_in(path)] == [run]
        journal.end(run)
        assert list((tmp_path / FOLDER).iterdir()) == []


def test_ctrl_c_before_it_was_sent_leaves_nothing_that_could_be_waited_for(monkeypatch):
    client, executor = a_client()

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Journal, "begin", interrupted)
    with pytest.raises(KeyboardInterrupt):
        client.submit(small, **ASK)
    monkeypatch.undo()
    evaluation = client.submit(small, **ASK)
    executor.answer(0)
    assert evaluation.result(5)


def test_to_take_up_without_a_login_loses_nothing(monkeypatch):
    killed("client.map([small, Wider], **ASK)")
    client, executor = a_client()

    def refuse(*_):
        raise NotAllowed("log in first")

    monkeypatch.setattr(executor, "submit", refuse)
    assert [type(one.exception(5)) for one in client.attach()] == [NotAllowed, NotAllowed]
    assert len(messages_left()) == 2


@pytest.mark.parametrize("damage", [('"limits":{', '"limits":null,"x":{'), ('"payload":{', '"payload":5,"x":{')])
def test_a_message_of_another_form_is_told_of_and_forgotten(damage):
    (sent,) = killed("client.submit(small, **ASK)")
    (path,) = files_in(home())
    old, new = (json.dumps(part)[1:-1] for part in damage)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.warns(UserWarning, match="cannot be taken up"):
        assert a_client()[0].attach() == []
    assert sent


def test_what_was_lost_and_then_asked_for_again_has_ended_with_the_second(monkeypatch):
    monkeypatch.setattr(losses, "TRIES", dict.fromkeys(losses.TRIES, 0))
    client, executor = a_client()
    lost = client.submit(small, **ASK)
    executor.call()[0].set_exception(WorkerLost("gone"))
    assert isinstance(lost.exception(5), WorkerLost)
    assert len(list(messages_left())) == 1
    again = client.submit(small, **ASK)
    assert executor.call(1)[1] == executor.call(0)[1]  # the same run goes on: nobody waits for its own ticket
    executor.answer(1)
    again.result(5)
    until(lambda: not list(messages_left()))


def test_what_was_lost_here_and_comes_from_another_process_has_ended_with_that(monkeypatch):
    monkeypatch.setattr(losses, "TRIES", dict.fromkeys(losses.TRIES, 0))
    client, executor = a_client()
    lost = client.submit(small, **ASK)
    executor.call()[0].set_exception(WorkerLost("gone"))
    assert lost.exception(5)
    killed("client.submit(small, **ASK)")
    assert len(list(messages_left())) == 2
    (taken,) = client.attach()
    executor.answer(1)
    taken.result(5)
    until(lambda: not list(messages_left()))


def test_a_journal_does_not_grow_with_what_has_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(of_journal, "ROOM_BYTES", 20_000)
    journal, message = Journal(tmp_path, place=HERE), "m" * 1000
    first = "f" * 32
    journal.begin(first, message, at=12345.0)
    for number in range(500):
        journal.begin(f"{number:032x}", message)
        journal.end(f"{number:032x}")
        (path,) = files_in(tmp_path)
        assert path.stat().st_size < 40_000
    (left,) = left_in(path)
    assert (left.run, left.message, left.at, left.place) == (first, message, 12345.0, HERE)
    journal.end(first)
    assert files_in(tmp_path) == []


def test_who_looks_at_a_file_for_a_moment_does_not_keep_it_from_who_takes_it_up(tmp_path):
    messages = killed("client.submit(small, **ASK)")
    (path,) = files_in(home())
    looking = alone_with(path)
    assert looking.__enter__()
    threading.Timer(0.05, lambda: looking.__exit__(None, None, None)).start()
    client, executor = a_client()
    (taken,) = client.attach()
    assert executor.call()[1] == messages[0]
    executor.answer()
    taken.result(5)


def test_a_disk_that_cannot_be_read_for_a_moment_loses_nothing(tmp_path, monkeypatch):
    messages = killed("client.submit(small, **ASK)")
    (path,) = files_in(home())
    text = path.read_text()

    def stale(_):
        raise OSError(116, "Stale file handle")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(of_journal, "left_in", stale)
        client, executor = a_client()
        assert client.attach() == []
        assert path.read_text() == text
        meanwhile.setattr(of_journal, "ROOM_BYTES", 0)
        meanwhile.setattr(of_journal, "TIMES", 0)
        journal = Journal(tmp_path, place=HERE)
        journal.begin("a" * 32, "m")
        journal.begin("b" * 32, "m")
        journal.end("b" * 32)  # would be written anew
    assert [left.run for own in files_in(tmp_path) for left in left_in(own)] == ["a" * 32]
    (taken,) = client.attach()
    assert executor.call()[1] == messages[0]
    executor.answer()
    taken.result(5)


def shut_down(*_):
    raise RuntimeError("cannot schedule new futures after shutdown")


def test_a_run_that_was_told_to_stop_does_not_go_on(monkeypatch):
    """An executor that is shut down between two tries: the site was told to stop the run, and would stop it again."""
    monkeypatch.setattr(losses, "PAUSE", tenacity.wait_none())
    client, executor = a_client()
    submit = executor.submit
    refused = client.submit(small, **ASK)
    first = executor.call()
    executor.submit = shut_down
    first[0].set_exception(WorkerLost("gone"))
    assert isinstance(refused.exception(5), SiteUnavailable)
    until(lambda: not list(messages_left()))
    executor.submit = submit
    again = client.submit(small, **ASK)
    assert executor.call(1)[1] != first[1]
    executor.answer(1)
    again.result(5)
