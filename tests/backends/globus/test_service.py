"""What is asked of the hosted service: the function to run, what became of tasks, and a login."""

import threading
from concurrent.futures import Future

import globus_sdk
import pytest
from globus_compute_sdk.errors import SerializationError, TaskExecutionFailed

from jitnas_fn.backends._globus import function as task_function
from jitnas_fn.backends._globus import sending
from jitnas_fn.backends._globus import service as of_service
from jitnas_fn.backends._globus.failures import lasting
from jitnas_fn.backends._globus.service import Service
from jitnas_fn.core.errors import EnvelopeError, NotAllowed, SiteUnavailable, WorkerLost
from tests.backends.globus.fakes import http

ENDPOINT = "11111111-1111-4111-8111-111111111111"
OURS, THEIRS, NEW = (f"22222222-2222-4222-8222-22222222222{digit}" for digit in "012")
TASKS = [f"33333333-3333-4333-8333-33333333333{digit}" for digit in "0123"]


class FakeClient:
    """The part of the SDK's client that is used, with what the service knows."""

    def __init__(self):
        self.allowed = {"restricted": False, "functions": []}
        self.names = {OURS: "run_task", THEIRS: "other"}
        self.registered, self.batches, self.alone = [], [], []
        self.results, self.failures = {}, {}

    def get_allowed_functions(self, endpoint):
        assert endpoint == ENDPOINT
        return self.allowed

    def get_function(self, function):
        if function not in self.names:
            raise http(404, "FUNCTION_NOT_FOUND")
        return {"function_name": self.names[function]}

    def register_source_code(self, source, name, **about):
        self.registered.append((source, name, about))
        return NEW

    def get_batch_result(self, tasks):
        self.batches.append(list(tasks))
        return {task: self.results[task] for task in tasks if task in self.results}

    def get_task(self, task):
        self.alone.append(task)
        raise self.failures[task]


@pytest.fixture
def client(monkeypatch):
    made = FakeClient()
    monkeypatch.setattr(of_service, "_client", lambda: made)
    return made


@pytest.fixture
def service(client, tmp_path):
    return Service(ENDPOINT, function=None, folder=tmp_path)


def found(service):
    service.log_in()
    return service._find_function()


def test_the_function_that_an_endpoint_allows_is_the_one(service, client):
    client.allowed = {"restricted": True, "functions": [THEIRS, OURS]}
    assert found(service) == OURS
    assert client.registered == []


def test_an_endpoint_that_allows_others_alone_is_told_of(service, client):
    client.allowed = {"restricted": True, "functions": [THEIRS, "44444444-4444-4444-8444-444444444444"]}
    with pytest.raises(NotAllowed, match="its administrator runs jitnas site register"):
        found(service)


def test_ones_own_is_registered_once_as_plain_source(service, client, tmp_path):
    assert found(service) == NEW
    assert found(Service(ENDPOINT, function=None, folder=tmp_path)) == NEW
    ((source, name, about),) = client.registered
    assert (name, about["public"]) == ("run_task", False)
    assert source == task_function.source()


def test_what_is_kept_of_it_and_is_no_id_is_not_believed(service, client, tmp_path):
    found(service)
    (kept,) = tmp_path.iterdir()
    kept.write_text("../../x")
    assert found(service) == NEW
    assert len(client.registered) == 2


def test_a_function_that_is_gone_is_registered_anew(service, client, tmp_path):
    found(service)
    service.register_anew()
    assert len(client.registered) == 2
    assert service._function == NEW


def test_the_source_runs_on_its_own_and_answers():
    names = {}
    exec(task_function.source(), names)
    assert '"verb":"hello"' in names["run_task"]('{"protocol":1,"verb":"hello"}')


def test_what_became_of_tasks_is_asked_for_in_few_requests(service, client, monkeypatch):
    monkeypatch.setattr(of_service, "MOST_TASKS", 2)
    client.results = {
        TASKS[0]: {"pending": False, "status": "success", "result": "answer"},
        TASKS[1]: {"pending": True, "status": "running"},
        TASKS[2]: {"pending": False, "status": "failed", "reason": "lost"},
        TASKS[3]: {"pending": False, "status": "success", "result": {"no": "text"}},
    }
    outcomes = service.outcomes(TASKS)
    assert [len(batch) for batch in client.batches] == [2, 2]
    assert outcomes[TASKS[0]] == "answer"
    assert outcomes[TASKS[1]] is None
    assert isinstance(outcomes[TASKS[2]], SiteUnavailable)
    assert isinstance(outcomes[TASKS[3]], SiteUnavailable)


def test_what_failed_is_asked_for_alone_and_what_is_not_known_is_left_out(service, client):
    client.failures = {
        TASKS[0]: TaskExecutionFailed("parsl.errors.ManagerLost: gone"),
        TASKS[1]: http(404, "TASK_NOT_FOUND"),
        TASKS[2]: SerializationError("Result Object Deserialization"),
    }
    outcomes = service.outcomes(TASKS[:3])
    assert isinstance(outcomes[TASKS[0]], WorkerLost)
    assert TASKS[1] not in outcomes
    assert isinstance(outcomes[TASKS[2]], EnvelopeError)


def test_where_nobody_can_be_asked_to_log_in_it_says_what_to_do(monkeypatch):
    import globus_compute_sdk

    def asks(**_):
        raise EOFError

    monkeypatch.setattr(globus_compute_sdk, "Client", asks)
    with pytest.raises(SiteUnavailable, match="run jitnas site login in a terminal") as raised:
        of_service._client()
    assert not raised.value.retryable


@pytest.mark.parametrize("failure", [http(500), http(429), http(403), globus_sdk.NetworkError("gone", OSError("gone"))])
def test_one_task_that_the_service_fails_at_does_not_hide_the_others(service, client, failure):
    client.failures = dict.fromkeys(TASKS, failure) | {TASKS[1]: TaskExecutionFailed("ManagerLost: gone")}
    outcomes = service.outcomes(TASKS[:2])
    assert outcomes[TASKS[0]] is None
    assert isinstance(outcomes[TASKS[1]], WorkerLost)


@pytest.mark.parametrize("failure", [ConnectionRefusedError("nobody"), http(502)])
def test_a_first_login_that_may_go_well_later_stops_nobody(service, monkeypatch, failure):
    def refuse():
        raise failure

    monkeypatch.setattr(of_service, "_client", refuse)
    service.log_in_once()


def test_a_login_for_which_nobody_can_be_asked_is_told_of_once(service, monkeypatch):
    def refuse():
        raise lasting(SiteUnavailable("nobody is logged in"))

    monkeypatch.setattr(of_service, "_client", refuse)
    with pytest.raises(SiteUnavailable, match="nobody is logged in"):
        service.log_in_once()
    service.log_in_once()


def test_the_size_of_a_message_is_what_it_takes_in_a_request(service):
    from globus_compute_sdk.sdk.batch import Batch
    from globus_compute_sdk.serialize import ComputeSerializer, JSONData

    from jitnas_fn.core.codec import canonical

    text = canonical({"a": '"\\', "b": "é", "c": [1.5] * 100})
    batch = Batch(None, serializer=ComputeSerializer(strategy_data=JSONData()))
    before = len(canonical(batch.prepare()))
    batch.add(OURS, (text,), {})
    added = len(canonical(batch.prepare())) - before - len(OURS)
    assert added <= service.size_of(text) <= added + 100


def test_many_that_failed_are_asked_for_one_by_one_but_not_all_at_once(service, client, monkeypatch):
    monkeypatch.setattr(of_service, "MOST_ALONE", 2)
    client.failures = {task: TaskExecutionFailed("ManagerLost: gone") for task in TASKS}
    outcomes = service.outcomes(TASKS)
    assert len(client.alone) == 2
    assert {task for task in TASKS if isinstance(outcomes[task], WorkerLost)} == set(client.alone)
    assert [outcomes[task] for task in TASKS if task not in client.alone] == [None, None]
    for _ in range(100):
        service.outcomes(TASKS)
    assert set(client.alone) == set(TASKS)  # each has its turn


class Watcher:
    """As the SDK's thread that waits for answers."""

    def __init__(self, *replies):
        self._open_futures = {str(number): reply for number, reply in enumerate(replies)}
        self._new_futures_lock = threading.Lock()
        self.is_down = False

    def get_open_futures(self):
        return dict(self._open_futures)

    def shutdown(self, wait=True, *, cancel_futures=False):
        assert cancel_futures
        assert not wait
        self.is_down = True


def test_before_the_interpreter_ends_ours_are_let_go_and_those_of_others_are_waited_for(monkeypatch):
    from globus_compute_sdk.sdk import executor

    mine, theirs = Future(), Future()
    sending.ours.add(mine)
    shared, own = Watcher(mine, theirs), Watcher(mine)
    monkeypatch.setattr(executor, "_RESULT_WATCHERS", {1: shared, 2: own})
    of_service.let_go()
    assert own.is_down
    assert not shared.is_down
    assert list(shared.get_open_futures().values()) == [theirs]


def test_a_link_knows_its_futures_as_ours():
    class Sdk:
        def submit_to_registered_function(self, function, args):
            return Future()

    assert sending.Link(Sdk(), OURS).submit("m") in sending.ours


def test_a_service_that_is_away_while_functions_are_looked_at_is_asked_again(service, client, monkeypatch):
    client.allowed = {"restricted": True, "functions": [OURS]}

    def away(_):
        raise http(503)

    monkeypatch.setattr(client, "get_function", away)
    with pytest.raises(Exception, match="503"):
        found(service)
