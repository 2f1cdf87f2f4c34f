"""The way to a cluster states the figures of the code."""

import pytest

from jitnas_fn.backends._globus import memory, pace, watch
from jitnas_fn.client import control, elsewhere, first_look, journal, liveness, losses
from jitnas_fn.client.client import WEEK_SECONDS
from jitnas_fn.core import envelope
from jitnas_fn.worker import outcomes, processes, tickets
from tests.docs.pages import text_of

CLUSTER = text_of("from-a-laptop-to-a-cluster")
DAY = 24 * 3600
STATED = [
    (control.BATCH, 1000, "for up to 1,000 tasks"),
    (first_look.PATIENCE_SECONDS, 30, "says nothing for 30 s"),
    (elsewhere.FIRST_SECONDS, 0.5, "from half a second to twenty"),
    (elsewhere.MOST_SECONDS, 20, "from half a second to twenty"),
    (watch.CHECK_SECONDS, 10, "is asked every 10 s"),
    (liveness.CHECK_SECONDS, 60, "once a minute the site is asked"),
    (losses.TRIES["SiteUnavailable"], 8, "tried again 8 times"),
    (WEEK_SECONDS, 7 * DAY, "in seven days at the latest"),
    (journal.KEPT_SECONDS, 30 * DAY, "what was left, 30 days"),
    (memory.KEPT_SECONDS, 8 * DAY, "what was left, eight days"),
    (processes.KEPT_SECONDS, DAY, "a day after it was last seen to live"),
    (outcomes.KEPT_SECONDS, DAY, "keeps for a day how runs have ended"),
    (watch.LONGEST_SECONDS, 30, "later every 30 s"),
    (watch.SILENT_SECONDS, 600, "every ten minutes the service is asked"),
    (tickets.SILENT_SECONDS, 180, "after three minutes without a sign of life"),
    (tickets.SWEEP_SECONDS, 3600, "an hour after the last sign"),
    (envelope.MAX_PAYLOAD_BYTES, 8_000_000, "at most 8 MB"),
    (pace.FREE, 4, "makes four at once"),
    (pace.SLOW_SECONDS, 1, "then one a second"),
]


@pytest.mark.parametrize(("value", "stated", "words"), STATED, ids=[words for _, _, words in STATED])
def test_the_way_to_a_cluster_states_what_the_code_does(value, stated, words):
    assert value == stated
    assert words in " ".join(CLUSTER.split())
