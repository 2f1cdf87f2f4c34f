"""What the service refuses is sent again if that can help, or ends with a typed error."""

import sys

import pytest

from jitnas_fn.backends._globus import outbox, sending
from jitnas_fn.backends._globus.outbox import Outbox
from jitnas_fn.backends._globus.pace import Pace
from jitnas_fn.backends._globus.post import Post
from jitnas_fn.core.errors import NotAllowed, PayloadTooLarge, SiteUnavailable
from tests.backends.globus.fakes import FakeService, Unlinked, a_letter, http, sent
from tests.waiting import until


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


def test_what_is_refused_waits_longer_each_time_and_begins_anew_after_it_was_taken(service, letters_of, monkeypatch):
    monkeypatch.setattr(outbox, "LONGEST_PAUSE_SECONDS", 0.08)
    letters_of._outbox._pause = 0.02
    pauses = []
    take_back = Outbox._take_back
    monkeypatch.setattr(Outbox, "_take_back", lambda *given: pauses.append(take_back(*given)) or pauses[-1])
    service.refuse(*[Unlinked(http(503))] * 4)
    letters_of.send([a_letter()])
    until(lambda: service.accepted)
    assert pauses == [0.02, 0.04, 0.08, 0.08]
    service.refuse(http(503))
    letters_of.send([a_letter("another")])
    until(lambda: len(service.accepted) == 2)
    assert pauses[4:] == [outbox.FIRST_PAUSE_SECONDS]


def test_after_one_that_is_too_large_others_go_together_again(service, letters_of):
    service.refuse(http(413))
    letters_of.send([a_letter(str(number)) for number in range(4)])
    until(lambda: len(service.accepted) == 4)
    assert letters_of._outbox._most == outbox.MOST_LETTERS


def test_a_request_that_is_neither_taken_nor_refused_counts_as_refused(service, letters_of, monkeypatch):
    monkeypatch.setattr(sending, "SENDING_SECONDS", 0.05)
    silent = [True]
    take = FakeService.take

    def first_silent(self, link, reply, text):
        if not silent.pop() if silent else True:
            take(self, link, reply, text)

    service.take = first_silent.__get__(service)
    letters_of.send([a_letter()])
    until(lambda: service.accepted)
    assert len(service.links) == 2
