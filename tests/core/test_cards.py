"""Every dataset that is known has a card; those that nothing loads yet have no content hash, and no task is made of them."""

import pytest

from jitnas_fn import Client
from jitnas_fn.core import cards, shelf
from jitnas_fn.core.dataset import TASK_KINDS
from jitnas_fn.core.errors import UnknownName
from jitnas_fn.stores.memory import MemoryStore
from tests.client.models import small

KNOWN = shelf.names("datasets._cards")


def test_the_datasets_of_the_tables_are_known():
    assert KNOWN == ["cifar10", "cifar100", "imagenet16_120"]
    assert [cards.card_named(name).outputs for name in KNOWN] == [10, 100, 120]
    assert [cards.card_named(name).input_shape for name in KNOWN] == [(3, 32, 32), (3, 32, 32), (3, 16, 16)]


@pytest.mark.parametrize("name", KNOWN)
def test_a_card_states_what_the_others_do(name):
    card = cards.card_named(name)
    assert (card.name, card.sha256) == (name, "")
    assert card.task in TASK_KINDS
    assert len(card.labels) == len(set(card.labels)) == card.outputs
    assert len(card.mean) == len(card.std) == card.input_shape[0]
    assert [split for split, _ in card.splits] == ["train", "validation", "test"]
    assert card.licence
    assert card.source


@pytest.mark.parametrize("name", shelf.names("datasets"))
def test_those_that_can_be_loaded_are_found_too(name):
    assert cards.card_named(name) is shelf.take("datasets", name).DATASET


def test_of_an_unknown_one_all_are_listed():
    with pytest.raises(UnknownName, match="there are digits, synthetic; and of published tables cifar10, cifar100, image"):
        cards.card_named("mnist")


@pytest.mark.parametrize("name", KNOWN)
def test_nothing_is_trained_on_a_card(name):
    with pytest.raises(UnknownName, match="there is a card only.*what can be loaded is digits, synthetic"):
        Client(store=MemoryStore()).submit(small, dataset=name, recipe="instant")
