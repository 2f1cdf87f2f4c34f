"""An endpoint behind the interface of `concurrent.futures`: two profiles, one function, and words for what is wrong."""

import subprocess
import sys

import pytest

from jitnas_fn import Client
from jitnas_fn.backends._globus import executor as endpoint
from jitnas_fn.backends._globus import outbox
from jitnas_fn.backends._globus.executor import _Train
from jitnas_fn.backends._globus.memory import Memory
from jitnas_fn.backends._globus.pace import Pace
from jitnas_fn.backends.globus_compute import globus_compute
from jitnas_fn.core import at_exit
from jitnas_fn.core.errors import PayloadTooLarge, SiteUnavailable, TaskError, WorkerLost
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.worker.entry import run_task
from tests.backends.globus.fakes import FakeService
from tests.waiting import until

ENDPOINT = "11111111-1111-4111-8111-111111111111"


class Known(FakeService):
    endpoint = ENDPOINT
    tried = 0

    def size_of(self, text):
        return len(text)

    def log_in_once(self):
        self.tried += 1


@pytest.fixture
def service(monkeypatch):
    monkeypatch.setattr(outbox, "LINGER_SECONDS", 0.01)
    monkeypatch.setattr(endpoint, "PACE", Pace())
    return Known()


@pytest.fixture
def executor(service, tmp_path):
    made = _Train(service, options={"walltime": "00:10:00"}, memory=Memory(tmp_path))
    yield made
    made.shutdown(wait=False)


def of(service, profile):
    """Messages of this profile that the service has accepted, with their replies."""
    return [(text, reply) for text, reply in service.accepted if reply.options["profile"] == profile]


@pytest.fixture(autouse=True)
def noted(monkeypatch):
    """Replies know the options of their link."""
    take = FakeService.take

    def with_options(self, link, reply, text):
        reply.options = self.options[self.links.index(link)]
        take(self, link, reply, text)

    monkeypatch.setattr(FakeService, "take", with_options)


def test_trainings_go_to_one_profile_with_the_options_and_questions_to_the_other(service, executor):
    executor.submit(run_task, "train this")
    executor.control.submit(run_task, "a question")
    until(lambda: of(service, "train") and any(text == "a question" for text, _ in of(service, "control")))
    assert {"walltime": "00:10:00", "profile": "train"} in service.options
    assert {"profile": "control"} in service.options
    assert [text for text, _ in of(service, "train")] == ["train this"]


def test_an_executor_says_where_it_is(executor):
    assert executor.place == {"backend": "globus_compute", "endpoint": ENDPOINT, "options": {"walltime": "00:10:00"}}


def test_who_asks_first_is_logged_in_in_his_own_thread(service, executor):
    executor.submit(run_task, "m")
    assert service.tried == 1


def test_nothing_else_runs_there(executor):
    for function, arguments in ((print, ("x",)), (run_task, ()), (run_task, (3,)), (run_task, ("a", "b"))):
        with pytest.raises(TaskError, match="runs one function, run_task, on one text"):
            executor.submit(function, *arguments)


def test_a_message_that_no_request_can_carry_is_refused_at_once(executor):
    with pytest.raises(PayloadTooLarge, match="takes 9.5 MB on its way to the endpoint; 9 MB is the most"):
        executor.submit(run_task, "x" * 9_500_000)


def test_a_second_process_takes_up_what_the_first_has_sent(service, executor, tmp_path):
    first = executor.submit(run_task, "the very same")
    until(lambda: of(service, "train"))
    until(lambda: list(tmp_path.glob("*.jsonl")))
    task = of(service, "train")[0][1].task_id
    service.outcome_of[task] = "answer"
    later = _Train(service, options={}, memory=Memory(tmp_path))
    assert later.submit(run_task, "the very same").result(10) == "answer"
    assert len(of(service, "train")) == 1
    later.shutdown(wait=False)
    assert not first.done()


def test_to_shut_down_waits_for_answers_or_ends_what_is_under_way(service, tmp_path):
    executor = _Train(service, options={}, memory=Memory(tmp_path))
    left = executor.submit(run_task, "m")
    until(lambda: list(tmp_path.glob("*.jsonl")))
    executor.shutdown(wait=False)
    assert isinstance(left.exception(5), WorkerLost)
    with pytest.raises(RuntimeError, match="was shut down"):
        executor.submit(run_task, "m")
    assert list(tmp_path.glob("*.jsonl"))  # another process may take it up
    waited = _Train(service, options={}, memory=Memory(tmp_path / "other"))
    answered = waited.submit(run_task, "n")
    until(lambda: len(of(service, "train")) == 2)
    of(service, "train")[1][1].set_result("answer")
    waited.shutdown()
    assert answered.result(0) == "answer"
    until(lambda: not list((tmp_path / "other").glob("*.jsonl")))


def test_before_the_interpreter_ends_it_lets_go(service, tmp_path):
    executor = _Train(service, options={}, memory=Memory(tmp_path))
    assert executor._let_go in at_exit._last
    left = executor.submit(run_task, "m")
    until(lambda: of(service, "train"))
    executor._let_go()
    for one in (executor, executor.control):
        with pytest.raises(RuntimeError, match="was shut down"):
            one.submit(run_task, "n")
    assert not left.done()  # a later process takes it up
    executor.shutdown(wait=False)
    assert executor._let_go not in at_exit._last


@pytest.mark.parametrize("endpoint", ["", "my endpoint", None, "1234", "../../etc"])
def test_an_id_that_is_no_uuid_is_refused(endpoint):
    with pytest.raises(TaskError, match="the id of an endpoint is a UUID"):
        globus_compute(endpoint)


def test_a_function_that_is_no_uuid_is_refused():
    with pytest.raises(TaskError, match="the id of a function is a UUID"):
        globus_compute(ENDPOINT, function="run_task")


@pytest.mark.parametrize(
    ("options", "words"),
    [({"profile": "train"}, "the profile is chosen by jitnas_fn"), ({"a": object()}, "plain values"), ({3: 4}, "plain values")],
)
def test_options_that_cannot_be_sent_are_refused(options, words):
    with pytest.raises(TaskError, match=words):
        globus_compute(ENDPOINT, options=options)


def test_without_the_sdk_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "globus_compute_sdk", None)
    with pytest.raises(SiteUnavailable, match=r"pip install 'jitnas_fn\[globus\]'"):
        globus_compute(ENDPOINT)


def test_to_make_one_needs_no_network_and_a_hit_never_will(monkeypatch):
    monkeypatch.setenv("GLOBUS_SDK_ENVIRONMENT", "local")
    executor = globus_compute(ENDPOINT)
    client = Client(store=MemoryStore(), executor=executor)
    assert client.attach() == []
    executor.shutdown(wait=False)


def test_the_sdk_is_not_loaded_before_an_executor_is_made():
    script = "import sys, jitnas_fn.backends.globus_compute; sys.exit('globus_compute_sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
