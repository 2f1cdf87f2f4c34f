"""A user endpoint that dies takes its letters with it, and says nothing: the site tells which of its processes live."""

import time
from concurrent.futures import Future

import pytest

from jitnas_fn.backends._globus import watch
from jitnas_fn.backends._globus.watch import Watch
from jitnas_fn.core.envelope import Envelope
from tests.backends.globus.fakes import a_letter
from tests.waiting import until

OPTIONS = {"walltime": "02:00:00"}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(watch, "CHECK_SECONDS", 0.02)
    monkeypatch.setattr(watch, "LONGEST_SECONDS", 0.02)


def dead(*tokens, silent_seconds=10_000.0):
    return [{"token": token, "silent_seconds": silent_seconds} for token in tokens]


class Site:
    """Tells which processes live: seconds since the start of each, and tokens of the dead. `silent` answers nothing."""

    def __init__(self):
        self.living, self.dead, self.silent, self.asked, self.held = [5.0], [], False, 0, []

    def __call__(self, text):
        assert Envelope.from_json(text).body == {"processes": OPTIONS}
        self.asked += 1
        reply = Future()
        told = {"living": [{"age_seconds": age} for age in self.living], "dead": dead(*self.dead)}
        if self.silent:
            reply.set_exception(TimeoutError("no"))
        else:
            reply.set_result(Envelope("ping", {"processes": told}).to_json())
        return reply


@pytest.fixture
def site():
    return Site()


@pytest.fixture
def lost():
    return []


@pytest.fixture
def watching(site, lost):
    return Watch(site, options=OPTIONS, again=lost.extend, ask_after=lambda _: None)


def sent(age_seconds=0.0, task="t"):
    letter = a_letter()
    letter.hand_over()
    letter.accept(task, age_seconds=age_seconds)
    return letter


def rounds(site, count=3):
    now = site.asked
    until(lambda: site.asked >= now + count)


def test_what_a_living_process_may_have_is_left_alone(site, watching, lost):
    site.dead = ["long ago"]
    letter = sent(age_seconds=1000.0)
    site.living = [2000.0]
    watching.add([letter])
    rounds(site)
    assert lost == []
    letter.answer("done")


def test_a_process_that_died_since_the_letter_was_sent_has_lost_it(site, watching, lost):
    letter = sent()
    watching.add([letter])
    rounds(site)
    site.dead, site.living = ["now"], [0.5]
    until(lambda: lost)
    assert lost[0] is letter


def test_what_ended_while_nothing_was_under_way_was_idle_and_has_lost_nothing(site, watching, lost):
    watching.add([first := sent()])
    rounds(site)
    first.answer("done")
    until(lambda: not watching._is_due)
    site.dead, site.living = ["idle"], [0.5]
    time.sleep(2 * watch.CHECK_SECONDS)
    watching.add([second := sent()])
    rounds(site)
    assert lost == []
    second.answer("done")


def test_one_evaluation_after_the_other_is_not_one_question_after_the_other(site, watching, monkeypatch):
    watching.add([first := sent()])
    rounds(site)
    monkeypatch.setattr(watch, "CHECK_SECONDS", 3600.0)
    first.answer("done")
    until(lambda: not watching._is_due)
    asked = site.asked
    for _ in range(5):
        watching.add([letter := sent()])
        letter.answer("done")
    time.sleep(0.1)
    assert site.asked == asked


def test_a_site_is_asked_less_often_after_a_while(site, watching, monkeypatch):
    monkeypatch.setattr(watch, "LONGEST_SECONDS", 10.0)
    monkeypatch.setattr(watch, "GROWTH", 4.0)
    watching.add([letter := sent()])
    rounds(site, 3)  # after 0, 0.02, 0.08 and 0.32 s
    assert watching._pause > 1
    watching.add([sent()])
    assert watching._pause == watch.CHECK_SECONDS
    letter.answer("done")


def test_what_was_sent_after_the_death_was_told_is_left_alone(site, watching, lost):
    first = sent()
    watching.add([first])
    site.dead = ["now"]
    until(lambda: lost or site.asked > 5)
    first.answer("done")
    before = list(lost)
    second = sent()
    watching.add([second])
    rounds(site)
    assert lost == before
    second.answer("done")


def test_where_no_process_lives_that_can_have_it_it_is_lost(site, watching, lost):
    site.living = [10.0]
    old, young = sent(age_seconds=500.0), sent(age_seconds=20.0)
    watching.add([old, young])
    until(lambda: lost)
    assert set(lost) == {old}


def test_a_process_that_was_started_for_it_a_moment_later_may_have_it(site, watching, lost):
    site.living = [480.0]
    watching.add([letter := sent(age_seconds=500.0)])
    rounds(site)
    assert lost == []
    letter.answer("done")


def test_what_was_sent_again_meanwhile_is_not_lost_twice(site, lost):
    letter = sent(task="first")

    def again(letters):
        lost.extend(letters)
        letter.hand_over()
        letter.accept("second")

    watching = Watch(site, options=OPTIONS, again=again, ask_after=lambda _: None)
    watching.add([letter])
    rounds(site)
    site.dead = ["now"]
    until(lambda: lost)
    watching.add([letter])
    rounds(site)
    assert lost == [letter]
    letter.answer("done")


def test_a_site_that_says_nothing_of_processes_is_believed_to_be_well(site, watching, lost, monkeypatch):
    site.silent = True
    watching.add([letter := sent(age_seconds=1000.0)])
    rounds(site)
    assert lost == []
    letter.answer("done")


def test_nobody_asks_when_nothing_is_under_way(site, watching):
    letter = sent()
    watching.add([letter])
    rounds(site)
    letter.answer("done")
    until(lambda: not watching._is_due)
    asked = site.asked
    watching.add([])
    assert site.asked == asked


def test_what_was_accepted_just_now_may_wait_for_a_process_to_be_started(site, watching, lost):
    site.living = []
    watching.add([letter := sent(age_seconds=20.0)])
    rounds(site)
    assert lost == []
    letter.answer("done")


def test_what_has_ended_meanwhile_is_not_sent_again(site, watching, lost):
    first, second = sent(), sent()
    watching.add([first, second])
    rounds(site)
    first.answer("done")
    site.dead = ["now"]
    until(lambda: lost)
    assert lost == [second]


def test_the_site_is_asked_at_once_who_was_dead_before(site, watching, monkeypatch):
    monkeypatch.setattr(watch, "CHECK_SECONDS", 3600.0)
    watching.add([sent()])
    until(lambda: site.asked == 1, 5)


def test_an_endpoint_that_was_away_is_owed_one_question_and_answers_one(lost):
    replies = []

    def away(text):
        replies.append(Future())
        return replies[-1]

    watching = Watch(away, options=OPTIONS, again=lost.extend, ask_after=lambda _: None)
    watching.add([letter := sent()])
    until(lambda: replies)
    time.sleep(10 * watch.CHECK_SECONDS)  # many checks go by
    assert len(replies) == 1
    letter.answer("done")


@pytest.mark.parametrize(
    "told",
    [3, [], None, {"living": 5, "dead": []}, {"living": [{"age_seconds": 9e9}], "dead": 5}, {"living": [3], "dead": ["x"]}],
)
def test_nonsense_of_a_site_says_nothing_of_anybody(lost, told, caplog):
    replies = []

    def answer(text):
        replies.append(Future())
        replies[-1].set_result(Envelope("ping", {"processes": told}).to_json())
        return replies[-1]

    watching = Watch(answer, options=OPTIONS, again=lost.extend, ask_after=lambda _: None)
    watching.add([letter := sent(age_seconds=1000.0)])
    until(lambda: len(replies) > 3)
    assert lost == []
    assert "Traceback" not in caplog.text
    letter.answer("done")


def test_what_is_silent_for_long_is_asked_after_now_and_then(site, monkeypatch):
    monkeypatch.setattr(watch, "SILENT_SECONDS", 0.2)
    asked = []
    watching = Watch(site, options=OPTIONS, again=lambda _: None, ask_after=asked.append)
    old, young, unwanted = sent(age_seconds=3.0), sent(age_seconds=-1000.0), sent(age_seconds=3.0)
    unwanted.cancel()
    watching.add([old, young, unwanted])
    until(lambda: len(asked) >= 2)
    assert set(asked[0]) == set(asked[1]) == {old, unwanted}
    assert len(asked) < site.asked
    for letter in (old, young, unwanted):
        letter.answer("done")


def test_what_one_may_have_had_that_was_dead_at_the_first_answer_is_sent_again_after_a_while(lost, monkeypatch):
    monkeypatch.setattr(watch, "SUSPECT_SECONDS", 0.3)

    def site(text):
        reply = Future()
        told = {"living": [{"age_seconds": 1.0}], "dead": dead("just now", silent_seconds=30.0)}
        reply.set_result(Envelope("ping", {"processes": told}).to_json())
        return reply

    watching = Watch(site, options=OPTIONS, again=lost.extend, ask_after=lambda _: None)
    watching.add([letter := sent(age_seconds=2.0), quick := sent(age_seconds=2.0, task="u")])
    time.sleep(0.1)
    assert lost == []  # mostly the dead one died before
    quick.answer("done")
    until(lambda: lost)
    assert lost[0] is letter
    assert quick not in lost
    letter.answer("done")


def test_who_died_before_a_letter_was_accepted_has_not_had_it(lost):
    asked = []

    def site(text):
        asked.append(text)
        reply = Future()
        told = {"living": [{"age_seconds": 1.0}], "dead": dead("before", silent_seconds=100.0)}
        reply.set_result(Envelope("ping", {"processes": told}).to_json())
        return reply

    watching = Watch(site, options=OPTIONS, again=lost.extend, ask_after=lambda _: None)
    watching.add([letter := sent(age_seconds=20.0)])
    until(lambda: len(asked) > 3)
    assert lost == []
    letter.answer("done")


def test_what_happened_between_a_question_and_its_answer_counts(lost):
    replies = []

    def slow(text):
        replies.append(Future())
        return replies[-1]

    def answer(number, **told):
        until(lambda: len(replies) > number)
        replies[number].set_result(Envelope("ping", {"processes": {"living": [], "dead": [], **told}}).to_json())

    watching = Watch(slow, options=OPTIONS, again=lost.extend, ask_after=lambda _: None)
    here, again, answered = (sent(task=task) for task in "abc")
    watching.add([here, again, answered])
    answer(0)
    until(lambda: len(replies) > 1)
    again.lose()
    again.hand_over()
    again.accept("by another process")
    answered.answer("done")
    answer(1, dead=dead("now"))
    until(lambda: lost)
    assert lost == [here]
    here.answer("done")
    again.answer("done")
