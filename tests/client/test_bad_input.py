"""What a user can get wrong is said at once, by name, and nothing is sent."""

import inspect
import threading

import pytest
from torch import nn

from jitnas_fn import Architecture, Client, Recipe, fingerprint
from jitnas_fn.core import envelope, errors
from jitnas_fn.core.errors import JitnasError
from jitnas_fn.stores.memory import MemoryStore
from tests.client.fakes import Held
from tests.client.models import Unkeyable, small

ASK = {"dataset": "digits", "recipe": "instant"}


@pytest.fixture
def client():
    client = Client(store=MemoryStore(), executor=Held())
    yield client
    assert not client._flights._dispatch.executor.calls


@pytest.mark.parametrize("model", [None, 3, "resnet18", [small], nn.Linear, lambda: 5, object()])
def test_what_is_no_model_is_refused(client, model):
    with pytest.raises((errors.NotAModel, errors.ModelFailed)):
        client.submit(model, **ASK)


@pytest.mark.parametrize("model", [None, 3, "resnet18"])
def test_what_is_no_model_is_refused_without_a_key_too(client, model):
    with pytest.raises(errors.NotAModel, match=r"NoneType|int|str"):
        client.submit(model, **ASK, identity="none")


def test_an_unknown_dataset_or_recipe_says_what_there_is(client):
    with pytest.raises(errors.UnknownName, match=r"no 'nosuch' in datasets; there are .*digits"):
        client.submit(small, dataset="nosuch", recipe="instant")
    with pytest.raises(LookupError, match=r"no recipe 'nosuch'; there are .*instant.*quick"):
        client.submit(small, dataset="digits", recipe="nosuch")


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5, "0", None, True])
def test_a_seed_is_a_whole_number(client, seed):
    with pytest.raises(errors.TaskError, match="a seed is an integer"):
        client.submit(small, **ASK, seed=seed)


@pytest.mark.parametrize("option", [{"identity": "close"}, {"payload": "pickle"}])
def test_a_choice_is_one_of_those_there_are(client, option):
    with pytest.raises(errors.TaskError, match="there are"):
        client.submit(small, **ASK, **option)


def test_an_initialisation_is_one_of_those_there_are(client):
    with pytest.raises(JitnasError, match="as built, default"):
        client.submit(small, **ASK, initialisation="random")


def test_a_network_of_the_wrong_size_is_refused_before_it_is_sent(client):
    with pytest.raises(errors.OutputMismatch, match="digits needs 10"):
        client.submit(lambda: small(outputs=7), **ASK)
    architecture = Architecture.from_module(small, input_shape=(1, 16, 16))
    with pytest.raises(errors.OutputMismatch, match="1×16×16"):
        client.submit(architecture, **ASK)


def test_a_recipe_that_does_not_suit_the_dataset_is_refused(client):
    with pytest.raises(errors.RecipeError, match="mse"):
        client.submit(small, dataset="digits", recipe=Recipe(epochs=1, batch_size=8, learning_rate=0.1, loss="mse"))


def test_a_model_without_an_exact_key_is_refused_by_name(client):
    with pytest.raises(errors.UnsupportedModel):
        client.submit(Unkeyable, dataset="synthetic", recipe="instant")


def test_an_architecture_has_a_key(client):
    with pytest.raises(errors.NotAModel, match="Architecture"):
        client.submit(Architecture.from_module(small, input_shape=(1, 8, 8)), **ASK, identity="none")


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 1e300, 10**400, "60", None, True])
def test_a_deadline_is_one_that_comes(seconds):
    with pytest.raises(errors.TaskError, match="deadline_seconds is a number above 0"):
        Client(store=MemoryStore(), executor=Held(), deadline_seconds=seconds)


def test_without_a_word_a_deadline_is_seven_days():
    assert inspect.signature(Client).parameters["deadline_seconds"].default == 604_800


def test_a_payload_over_the_limit_is_refused_with_its_size(client, monkeypatch):
    monkeypatch.setattr(envelope, "MAX_PAYLOAD_BYTES", 100)
    with pytest.raises(errors.PayloadTooLarge, match="MB"):
        client.submit(small, **ASK)
    assert not client._flights._open


def test_a_model_that_cannot_be_pickled_says_so(client):
    model = small()
    model.lock = threading.Lock()
    with pytest.raises(errors.ModelFailed, match="cannot be pickled"):
        client.submit(model, **ASK, identity="none")


def test_the_fingerprint_of_no_model_is_refused():
    with pytest.raises(errors.NotAModel):
        fingerprint("resnet18", input_shape=(1, 8, 8))
