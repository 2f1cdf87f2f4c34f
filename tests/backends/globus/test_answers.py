"""What comes back, late, twice, or not at all: a letter ends once, by its answer or a typed error."""

import itertools
import threading
import time

from globus_compute_sdk.errors import TaskExecutionFailed

from jitnas_fn.backends._globus import adrift, post
from jitnas_fn.backends._globus.pace import Pace
from jitnas_fn.backends._globus.post import Post
from jitnas_fn.core.errors import NotAllowed, SiteUnavailable, WorkerLost
from tests.backends.globus.fakes import Unlinked, a_letter, http
from tests.waiting import until


def test_what_the_endpoint_failed_at_is_a_typed_error(service, letters_of):
    letter = a_letter()
    letters_of.send([letter])
    until(lambda: service.accepted)
    service.accepted[0][1].set_exception(TaskExecutionFailed("parsl.executors.errors.WorkerLost: Task failure due to loss"))
    assert isinstance(letter.exception(5), WorkerLost)


STALE = "Failed to start or unexpected error: another instance of this endpoint is running"


def test_what_finds_no_process_is_sent_again_together_and_is_not_counted_as_lost(service, letters_of, monkeypatch, caplog):
    monkeypatch.setattr(post, "START_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(post, "MOST_LOSSES", 1)
    letters = [a_letter(str(number)) for number in range(5)]
    letters_of.send(letters)
    for times in range(1, 4):
        until(lambda times=times: len(service.accepted) == 5 * times)
        for _, reply in service.accepted[-5:]:
            reply.set_exception(TaskExecutionFailed(STALE))
    until(lambda: len(service.accepted) == 20)
    service.accepted[-1][1].set_result("answer")
    assert letters[4].result(5) == "answer"
    assert not letters[0].done()
    assert 1 <= caplog.text.count("what waits for it is sent again") <= 8


def test_an_endpoint_that_never_starts_its_process_is_given_up(service, monkeypatch):
    monkeypatch.setattr(post, "START_PAUSE_SECONDS", 0.05)
    impatient = Post(service, {}, pace=Pace(), patience_seconds=0.0, accepted=lambda _: None)
    letter = a_letter()
    impatient.send([letter])
    until(lambda: service.accepted)
    service.accepted[0][1].set_exception(TaskExecutionFailed(STALE))
    assert isinstance(letter.exception(5), SiteUnavailable)
    assert letter.exception().retryable


def test_an_answer_that_the_sdk_cannot_bring_any_more_is_asked_for(service, letters_of):
    letter = a_letter()
    letters_of.send([letter])
    until(lambda: service.accepted)
    _, reply = service.accepted[0]
    service.outcome_of[reply.task_id] = None
    reply.set_exception(RuntimeError("SDK thread quit unexpectedly."))
    until(lambda: len(service.asked_after) > 1)
    assert not letter.done()
    service.outcome_of[reply.task_id] = "answer"
    assert letter.result(5) == "answer"


def test_an_error_that_the_sdk_cannot_bring_any_more_is_asked_for(service, letters_of):
    letter = a_letter()
    letters_of.send([letter])
    until(lambda: service.accepted)
    _, reply = service.accepted[0]
    service.outcome_of[reply.task_id] = NotAllowed("no")
    reply.cancel()
    reply.set_running_or_notify_cancel()
    assert isinstance(letter.exception(5), NotAllowed)


def test_a_task_that_the_service_has_forgotten_is_sent_again(service, letters_of):
    letter = a_letter()
    letters_of.send([letter])
    until(lambda: service.accepted)
    service.accepted[0][1].set_exception(RuntimeError("SDK thread quit unexpectedly."))
    until(lambda: len(service.accepted) == 2)
    service.accepted[1][1].set_result("answer")
    assert letter.result(5) == "answer"


def test_whichever_answer_comes_first_counts_and_the_other_harms_nothing(service, letters_of):
    letter = a_letter()
    letters_of.send([letter])
    until(lambda: service.accepted)
    letters_of.again([letter])
    until(lambda: len(service.accepted) == 2)
    service.accepted[0][1].set_result("of the first, late")
    assert letter.result(5) == "of the first, late"
    service.accepted[1][1].set_result("of the second")
    assert letter.result(0) == "of the first, late"


def test_a_failure_of_what_was_sent_again_meanwhile_says_nothing(service, letters_of):
    letter = a_letter()
    letters_of.send([letter])
    until(lambda: service.accepted)
    letters_of.again([letter])
    until(lambda: len(service.accepted) == 2)
    service.accepted[0][1].set_exception(TaskExecutionFailed("ManagerLost: gone"))
    assert not letter.done()
    service.accepted[1][1].set_result("answer")
    assert letter.result(5) == "answer"


def test_what_is_lost_again_and_again_ends(service, letters_of, monkeypatch):
    monkeypatch.setattr(post, "MOST_LOSSES", 3)
    letter = a_letter()
    letters_of.send([letter])
    for number in range(2):
        until(lambda number=number: len(service.accepted) == number + 1)
        letters_of.again([letter])
    until(lambda: len(service.accepted) == 3)
    letters_of.again([letter])
    assert isinstance(letter.exception(5), WorkerLost)
    assert letter.exception().retryable


def test_an_answer_that_is_no_text_is_an_error(service, letters_of):
    letter = a_letter()
    letters_of.send([letter])
    until(lambda: service.accepted)
    service.accepted[0][1].set_result({"a": 1})
    assert "answered with dict" in str(letter.exception(5))


def test_what_another_process_has_sent_is_waited_for_and_not_sent(service, letters_of, told):
    letter, task = a_letter(), "11111111-1111-4111-8111-111111111111"
    service.outcome_of[task] = "answer"
    letters_of.take_up(letter, task=task, age_seconds=100)
    assert letter.result(5) == "answer"
    assert letter.age_seconds >= 100
    assert told == [letter]
    assert service.accepted == []


def test_what_became_of_an_earlier_time_does_not_end_what_was_sent_again(service, letters_of):
    letter = a_letter()
    letters_of.send([letter])
    until(lambda: service.accepted)
    _, first = service.accepted[0]
    outcomes = service.outcomes

    def meanwhile(tasks):
        told = {task: NotAllowed("of the first time") for task in tasks}
        if first.task_id in told and len(service.accepted) == 1:
            letters_of.again([letter])
            until(lambda: len(service.accepted) == 2)
        return told

    service.outcomes = meanwhile
    first.set_exception(RuntimeError("SDK thread quit unexpectedly."))
    until(lambda: len(service.accepted) == 2)
    service.outcomes = outcomes
    service.accepted[1][1].set_result("answer")
    assert letter.result(5) == "answer"


def test_what_is_called_after_an_answer_is_not_called_in_the_thread_that_brings_answers(service, letters_of):
    letters = [a_letter("first"), a_letter("second")]
    go_on, threads = threading.Event(), []

    def slow(_):
        threads.append(threading.current_thread())
        assert go_on.wait(10)

    letters[0].add_done_callback(slow)
    letters_of.send(letters)
    until(lambda: len(service.accepted) == 2)
    service.accepted[0][1].set_result("answer")  # returns, though what is called after it has not
    until(lambda: threads)
    assert threads[0] is not threading.current_thread()
    go_on.set()


def test_refusals_of_the_service_are_no_losses_of_the_endpoint(service, letters_of, monkeypatch):
    monkeypatch.setattr(post, "MOST_LOSSES", 2)
    service.refuse(*[Unlinked(http(503))] * 5)
    letter = a_letter()
    letters_of.send([letter])
    until(lambda: service.accepted)
    letters_of.again([letter])
    until(lambda: len(service.accepted) == 2)
    assert not letter.done()


def test_an_endpoint_that_started_meanwhile_has_its_patience_anew():
    letter = a_letter()
    letter.hand_over()
    letter.accept("t")
    letter.starts_in_vain()
    letter._not_started -= 1000.0
    assert letter.starts_in_vain() >= 1000
    assert letter.take_back()
    letter.accept("t")
    assert letter.starts_in_vain() >= 1000
    assert letter.lose()  # a process had it
    assert letter.starts_in_vain() < 100


def test_a_letter_that_is_silent_for_long_is_asked_after_once(service, letters_of):
    letter, other = a_letter(), a_letter("other")
    letters_of.send([letter, other])
    until(lambda: len(service.accepted) == 2)
    tasks = [reply.task_id for _, reply in service.accepted]
    service.outcome_of = {tasks[0]: "answer", tasks[1]: None}
    letters_of.ask_after([letter, other])
    assert letter.result(5) == "answer"
    assert not other.done()
    assert service.asked_after == [tasks]


def test_a_service_that_does_not_say_is_asked_again_with_growing_pauses_and_one_warning(
    service, letters_of, monkeypatch, caplog
):
    monkeypatch.setattr(adrift, "LONGEST_SECONDS", 0.05)
    times = []

    def away(tasks):
        times.append(time.monotonic())
        raise http(503)

    service.outcomes = away
    letter = a_letter()
    letters_of.send([letter])
    until(lambda: service.accepted)
    service.accepted[0][1].set_exception(RuntimeError("SDK thread quit unexpectedly."))
    until(lambda: len(times) > 8)
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert min(pauses[-3:]) >= 0.04 > pauses[0]
    assert caplog.text.count("does not say what became of 1 messages") == 1


def test_what_is_on_its_way_again_is_not_asked_after_meanwhile(service):
    drifting, letter = adrift.Adrift(service, again=lambda _: None), a_letter()
    letter.hand_over()
    letter.accept("task")
    service.outcome_of["task"] = None
    drifting.add(letter)
    until(lambda: service.asked_after)
    letter.lose()
    until(lambda: not drifting._letters)
    assert all(asked == ["task"] for asked in service.asked_after)
