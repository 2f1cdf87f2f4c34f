"""A client and a site of different versions tell each other which is the older one."""

import pytest

from jitnas_fn import Client
from jitnas_fn.core.errors import EnvelopeError
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.worker.entry import run_task
from tests.client.fakes import Inline
from tests.client.models import small

ASK = {"dataset": "digits", "recipe": "instant"}
OLD, NEW = '"protocol":1', '"protocol":2'


def of_another_version(text, *, asked, answered):
    """What a site says whose messages are of another protocol."""
    return run_task(text.replace(*asked)).replace(*answered)


@pytest.mark.parametrize(
    ("asked", "answered", "words"),
    [
        (
            (OLD, NEW),
            ("", ""),
            "this side speaks protocol 1, the other '2': upgrade the older",
        ),  # as a newer client is answered
        (("", ""), (OLD, NEW), "this side speaks protocol 1, the other '2': upgrade the older"),  # as a newer site answers
    ],
)
def test_a_training_ends_with_what_has_to_be_upgraded(asked, answered, words):
    executor = Inline(lambda text: of_another_version(text, asked=asked, answered=answered))
    with pytest.raises(EnvelopeError, match=words):
        Client(store=MemoryStore(), executor=executor).submit(small, **ASK).result(10)
