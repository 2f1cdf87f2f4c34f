"""Letters reach the endpoint whatever the service does, or end with a typed error."""

import sys
import threading

import pytest
from globus_compute_sdk.errors import TaskExecutionFailed

from jitnas_fn.backends._globus import adrift, post
from jitnas_fn.backends._globus.pace import Pace
from jitnas_fn.backends._globus.post import Post
from jitnas_fn.core.errors import NotAllowed, PayloadTooLarge, SiteUnavailable, WorkerLost
from tests.backends.globus.fakes import FakeService, Unlinked, a_letter, http
from tests.waiting import until


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(post, "LINGER_SECONDS", 0.05)
    monkeypatch.setattr(post, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(post, "LONGEST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(adrift, "FIRST_SECONDS", 0.01)


@pytest.fixture
def service():
    return FakeService()


@pytest.fixture
def told():
    return []


@pytest.fixture
def letters_of(service, told):
    made = Post(service, {"profile": "train"}, pace=Pace(), patience_seconds=5.0, accepted=told.extend)
    yield made
    made.close()


def sent(service):
    return [text for text, _ in service.accepted]


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
    deliver = Post._deliver
    monkeypatch.setattr(
        Post, "_deliver", lambda self, batch: (sizes.append(sum(one.size for one in batch)), deliver(self, batch))[1]
    )
    letters_of.send([a_letter(size=4_000_000) for _ in range(5)])
    until(lambda: len(service.accepted) == 5)
    assert max(sizes) <= post.MOST_BYTES
    assert sum(sizes) == 20_000_000


@pytest.mark.parametrize("failure", [http(429), http(500), http(503), ConnectionResetError("gone"), TimeoutError("late")])
def test_a_request_that_is_refused_for_now_is_made_again_by_another_link(service, letters_of, failure):
    service.refuse(failure)
    letters = [a_letter(str(number)) for number in range(3)]
    letters_of.send(letters)
    until(lambda: len(service.accepted) == 3)
    assert sent(service) == ["0", "1", "2"]
    assert len(service.links) == 2
    assert service.links[0].ended


def test_what_the_service_took_before_it_refused_is_not_sent_again(service, letters_of):
    service.refuse(http(500), after=2)
    letters_of.send([a_letter(str(number)) for number in range(5)])
    until(lambda: len(service.accepted) == 5)
    assert sent(service) == ["0", "1", "2", "3", "4"]


def test_a_service_that_is_away_before_there_is_a_link_is_asked_again(service, letters_of):
    service.refuse(Unlinked(ConnectionRefusedError("nobody")), Unlinked(http(502)))
    letters_of.send([a_letter()])
    until(lambda: len(service.accepted) == 1)


def test_nothing_waits_longer_than_the_patience(service):
    impatient = Post(service, {}, pace=Pace(), patience_seconds=0.0, accepted=lambda _: None)
    service.refuse(http(503, reason="closed for the night"))
    letter = a_letter()
    impatient.send([letter])
    error = letter.exception(5)
    assert isinstance(error, SiteUnavailable)
    assert error.retryable
    assert "closed for the night" in str(error)


@pytest.mark.parametrize(
    ("failure", "kind", "words"),
    [
        (http(403, "ENDPOINT_ACCESS_FORBIDDEN", "not yours"), NotAllowed, "not yours"),
        (http(401), NotAllowed, "HTTP 401"),
        (http(404, "ENDPOINT_NOT_FOUND"), SiteUnavailable, "is the endpoint's id right"),
        (http(422), SiteUnavailable, "takes no such request"),
    ],
)
def test_what_is_refused_for_good_ends_at_once(service, letters_of, failure, kind, words):
    service.refuse(failure)
    letter = a_letter()
    letters_of.send([letter])
    error = letter.exception(5)
    assert type(error) is kind
    assert words in str(error)
    assert not error.retryable
    after = a_letter()
    letters_of.send([after])
    until(lambda: len(service.accepted) == 1)


def test_a_batch_that_is_too_large_for_the_service_is_halved_until_the_one_is_found(service, letters_of):
    service.refuse(http(413), http(413), http(413))
    service.takes = 0
    letters = [a_letter(str(number)) for number in range(4)]
    refused = FakeService.take

    def take(self, link, reply, text):
        self.takes = 0 if self.refusals else 10**9
        refused(self, link, reply, text)

    service.take = take.__get__(service)
    letters_of.send(letters)
    errors = letters[0].exception(10)
    assert isinstance(errors, PayloadTooLarge)
    until(lambda: sent(service) == ["1", "2", "3"])


def test_a_function_that_is_not_ours_any_more_is_registered_anew_once(service, letters_of):
    service.refuse(http(404, "FUNCTION_NOT_FOUND"))
    letters_of.send([a_letter()])
    until(lambda: len(service.accepted) == 1)
    assert service.registered_anew == 1


def test_a_function_that_is_not_there_after_it_was_registered_anew_is_told_of(service, letters_of):
    service.refuse(http(404, "FUNCTION_NOT_FOUND"), http(404, "FUNCTION_NOT_FOUND"))
    take = FakeService.take

    def again(self, link, reply, text):
        self.takes = 0 if self.refusals else 10**9
        take(self, link, reply, text)

    service.take = again.__get__(service)
    letter = a_letter()
    letters_of.send([letter])
    assert "FUNCTION_NOT_FOUND" in str(letter.exception(5))
    assert service.registered_anew == 1


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


def test_what_could_not_even_be_taken_back_is_not_lost(service, letters_of, monkeypatch):
    service.refuse(Unlinked(http(404, "FUNCTION_NOT_FOUND")))

    def away():
        raise SystemExit("of the SDK's own")

    monkeypatch.setattr(service, "register_anew", away)
    letter = a_letter()
    letters_of.send([letter])
    until(lambda: service.accepted)
    service.accepted[0][1].set_result("answer")
    assert letter.result(5) == "answer"


def test_a_function_that_the_endpoint_does_not_permit_is_not_tried_again(service, letters_of):
    service.refuse(http(403, "FUNCTION_NOT_PERMITTED"))
    letter = a_letter()
    letters_of.send([letter])
    assert isinstance(letter.exception(5), NotAllowed)
    assert service.registered_anew == 0


def test_what_the_endpoint_failed_at_is_a_typed_error(service, letters_of):
    letter = a_letter()
    letters_of.send([letter])
    until(lambda: service.accepted)
    service.accepted[0][1].set_exception(TaskExecutionFailed("parsl.executors.errors.WorkerLost: Task failure due to loss"))
    assert isinstance(letter.exception(5), WorkerLost)


STALE = "Failed to start or unexpected error: another instance of this endpoint is running"


def test_what_finds_no_process_is_sent_again_together_and_is_not_counted_as_lost(service, letters_of, monkeypatch, caplog):
    monkeypatch.setattr(post, "START_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(post, "MOST_TRIES", 1)
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
    monkeypatch.setattr(post, "MOST_TRIES", 2)
    letter = a_letter()
    letters_of.send([letter])
    for number in range(2):
        until(lambda number=number: len(service.accepted) == number + 1)
        letters_of.again([letter])
    until(lambda: len(service.accepted) == 3)
    letters_of.again([letter])
    assert isinstance(letter.exception(5), WorkerLost)
    assert letter.exception().retryable


def test_what_waits_can_be_cancelled_and_what_is_on_its_way_cannot(service, letters_of):
    first, second = a_letter("first"), a_letter("second")
    letters_of.send([first, second])
    assert first.cancel()
    until(lambda: service.accepted)
    assert sent(service) == ["second"]
    assert not second.cancel()
    assert not second.running()  # whether it has begun, only the site knows


def test_an_answer_that_is_no_text_is_an_error(service, letters_of):
    letter = a_letter()
    letters_of.send([letter])
    until(lambda: service.accepted)
    service.accepted[0][1].set_result({"a": 1})
    assert "answered with dict" in str(letter.exception(5))


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


def test_what_another_process_has_sent_is_waited_for_and_not_sent(service, letters_of, told):
    letter, task = a_letter(), "11111111-1111-4111-8111-111111111111"
    service.outcome_of[task] = "answer"
    letters_of.take_up(letter, task=task, age_seconds=100)
    assert letter.result(5) == "answer"
    assert letter.age_seconds >= 100
    assert told == [letter]
    assert service.accepted == []


def test_letters_from_many_threads_all_arrive(service, letters_of):
    letters = [a_letter(str(number)) for number in range(200)]
    threads = [threading.Thread(target=letters_of.send, args=(letters[start::10],)) for start in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: len(service.accepted) == 200)
    assert sorted(sent(service), key=int) == [str(number) for number in range(200)]


def test_whatever_the_sdk_raises_and_a_callback_does_later_letters_arrive(service, letters_of, monkeypatch):
    service.refuse(Unlinked(http(404)), Unlinked(KeyError("of the SDK's own")))
    first = a_letter("first")
    first.add_done_callback(lambda _: sys.exit("of somebody's callback"))
    letters_of.send([first])
    assert first.exception(5)
    second = a_letter("second")
    letters_of.send([second])
    assert second.exception(5)
    third = a_letter("third")
    letters_of.send([third])
    until(lambda: sent(service) == ["third"])


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


def test_what_the_sdk_got_just_while_it_ended_is_sent_again_soon(service, letters_of, monkeypatch):
    take = FakeService.take

    def ends(self, link, reply, text):
        if len(self.links) > 1:
            take(self, link, reply, text)
        elif text == "0":
            reply.set_exception(http(503))  # the others were put behind it after it was emptied

    service.take = ends.__get__(service)
    letters_of.send([a_letter(str(number)) for number in range(3)])
    until(lambda: sent(service) == ["0", "1", "2"], 10)
