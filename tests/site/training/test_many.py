"""Many at once: all resolve, each key is trained once, and blocks neither churn nor stay."""

from collections import Counter
from concurrent.futures import wait

import pytest

from tests.site.training.models import QUICK, small


@pytest.mark.slow
def test_two_people_ask_for_two_thousand_of_which_they_share_600_and_each_key_is_trained_once(here):
    """A client asks once for what it is asked twice: only two of them show the site duplicates."""
    shared = [*range(600)]
    asked = [(here.client(most=1), [*shared, *own]) for own in (range(600, 1000), range(1000, 1400))]
    evaluations = [one for client, seeds in asked for one in client.map([small], **QUICK, seeds=seeds)]
    assert len(evaluations) == 2000
    assert not wait(evaluations, timeout=500).not_done
    records = [evaluation.result() for evaluation in evaluations]
    assert len({record.record_id for record in records}) == len({record.key for record in records}) == 1400
    assert Counter(evaluation.source for evaluation in evaluations) == {"trained": 1400, "shared": 600}
    assert len(here.store) == 1400
    assert len(here.jobs()) <= 4
    here.cluster.wait_until(lambda: not here.cluster.squeue(), 60)


def test_one_person_asks_for_the_same_many_times_and_the_site_hears_of_it_once(here):
    evaluations = here.client(most=1).map([small], **QUICK, seeds=[*range(10)] * 3)
    assert not wait(evaluations, timeout=200).not_done
    assert len({evaluation.result().record_id for evaluation in evaluations}) == len(here.store) == 10
