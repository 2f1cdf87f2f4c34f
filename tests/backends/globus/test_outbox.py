"""Letters go together, in their order, once; and end when nobody carries them any more."""

import itertools
import threading
import time
from concurrent.futures import wait

import pytest

from jitnas_fn.backends._globus import outbox
from jitnas_fn.backends._globus.outbox import Outbox
from jitnas_fn.backends._globus.post import Post
from jitnas_fn.core.errors import Cancelled, WorkerLost
from tests.backends.globus.fakes import a_letter, http, sent
from tests.waiting import until


def test_what_is_sent_within_a_moment_goes_in_one_request_in_its_order(service, letters_of, told):
    letters = [a_letter(str(number)) for number in range(100)]
    for letter in letters:
        letters_of.send([letter])
    until(lambda: len(service.accepted) == 100)
    assert sent(service) == [str(number) for number in range(100)]
    assert len(service.links) == 1
    until(lambda: len(told) == 100)
    for _, reply in service.accepted:
        reply.set_result("answer")
    assert {letter.result(5) for letter in letters} == {"answer"}


def test_a_request_has_no_more_bytes_than_the_service_takes(service, letters_of, monkeypatch):
    sizes = []
    deliver = Outbox._deliver
    monkeypatch.setattr(
        Outbox, "_deliver", lambda self, batch: (sizes.append(sum(one.size for one in batch)), deliver(self, batch))[1]
    )
    letters_of.send([a_letter(size=4_000_000) for _ in range(5)])
    until(lambda: len(service.accepted) == 5)
    assert max(sizes) <= outbox.MOST_BYTES
    assert sum(sizes) == 20_000_000


def test_how_long_a_letter_waits_is_counted_anew_after_it_was_accepted():
    letter = a_letter()
    letter._waiting -= 1000.0
    assert letter.waited_seconds >= 1000
    assert letter.hand_over()
    assert letter.waited_seconds >= 1000
    letter.accept("task")
    assert letter.lose()
    assert letter.waited_seconds < 100
    assert letter.task is None
    assert not letter.lose()


def test_what_is_on_its_way_again_is_not_sent_once_more(service, letters_of):
    letter = a_letter()
    letters_of.send([letter])
    until(lambda: service.accepted)
    for _ in range(5):
        letters_of.again([letter])
    until(lambda: len(service.accepted) == 2)
    other = a_letter("other")
    letters_of.send([other])
    until(lambda: sent(service)[-1] == "other")
    assert sent(service) == ["m", "m", "other"]


def test_what_waits_can_be_cancelled_and_what_is_on_its_way_cannot(service, letters_of):
    first, second = a_letter("first"), a_letter("second")
    letters_of.send([first, second])
    assert first.cancel()
    until(lambda: service.accepted)
    assert sent(service) == ["second"]
    assert not second.cancel()
    assert not second.running()  # whether it has begun, only the site knows


def test_what_is_under_way_when_it_closes_ends_as_lost(service, letters_of):
    waiting, under_way = a_letter("waiting"), a_letter("under way")
    letters_of.send([under_way])
    until(lambda: service.accepted)
    service.refuse(*[http(503)] * 100)
    letters_of.send([waiting])
    letters_of.close()
    assert isinstance(under_way.exception(5), WorkerLost)
    assert waiting.cancelled() or isinstance(waiting.exception(5), WorkerLost)
    with pytest.raises(RuntimeError, match="was shut down"):
        letters_of.send([a_letter()])


def test_letters_from_many_threads_all_arrive(service, letters_of):
    letters = [a_letter(str(number)) for number in range(200)]
    threads = [threading.Thread(target=letters_of.send, args=(letters[start::10],)) for start in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: len(service.accepted) == 200)
    assert sorted(sent(service), key=int) == [str(number) for number in range(200)]


def test_what_nobody_waits_for_any_more_is_neither_sent_again_nor_waited_for(service, letters_of):
    letter = a_letter()
    letters_of.send([letter])
    until(lambda: service.accepted)
    assert not letter.cancel()
    letters_of.wait()  # returns
    letters_of.again([letter])
    assert isinstance(letter.exception(5), Cancelled)
    assert len(service.accepted) == 1


def test_to_wait_ends_when_nobody_waits_for_the_last_any_more(service, letters_of):
    letter = a_letter()
    letters_of.send([letter])
    until(lambda: service.accepted)
    waiting = threading.Thread(target=letters_of.wait)
    waiting.start()
    assert not letter.cancel()
    waiting.join(5)
    assert not waiting.is_alive()


def test_an_answer_that_nobody_waits_for_is_handed_on_all_the_same(service, letters_of):
    letter = a_letter()
    letters_of.send([letter])
    until(lambda: service.accepted)
    letter.cancel()
    service.accepted[0][1].set_result("answer")
    assert letter.result(5) == "answer"  # what was paid for is kept


def test_what_the_service_refused_meanwhile_and_nobody_waits_for_is_not_sent(service, letters_of, monkeypatch):
    monkeypatch.setattr(outbox, "FIRST_PAUSE_SECONDS", 0.2)
    monkeypatch.setattr(outbox, "LONGEST_PAUSE_SECONDS", 0.2)
    service.refuse(http(503))
    letter = a_letter()
    letters_of._outbox._pause = 0.2
    letters_of.send([letter])
    until(lambda: service.links and not service.refusals)
    letter.cancel()
    assert isinstance(letter.exception(5), Cancelled)
    assert service.accepted == []


def test_each_request_has_its_turn_with_all_of_the_process(service, monkeypatch):
    booked = []

    class Slow:
        def book(self):
            booked.append(time.monotonic())
            return 0.1

    monkeypatch.setattr(outbox, "MOST_LETTERS", 1)
    way = Post(service, {}, pace=Slow(), patience_seconds=5.0, accepted=lambda _: None)
    way._outbox._most = 1
    way.send([a_letter(str(number)) for number in range(3)])
    until(lambda: len(service.accepted) == 3)
    assert len(booked) == 3
    assert min(after - before for before, after in itertools.pairwise(booked)) >= 0.09
    way.close()


def test_who_waits_for_what_was_cancelled_in_time_is_told(letters_of):
    first, second = a_letter("first"), a_letter("second")
    letters_of.send([first, second])
    waiting = threading.Thread(target=wait, args=([first],))
    waiting.start()
    assert first.cancel()
    assert first.cancel()  # and again
    waiting.join(5)
    assert not waiting.is_alive()
