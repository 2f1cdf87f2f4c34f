"""Many at once: all resolve, each key is trained once, and blocks neither churn nor stay."""

from concurrent.futures import wait

import pytest

from tests.site.training.models import QUICK, small


@pytest.mark.slow
def test_two_thousand_evaluations_with_duplicates_are_each_trained_once(here):
    client = here.client(most=2)
    seeds = [*range(1400), *range(600)]  # 30% ask again for what is under way
    evaluations = client.map([small], **QUICK, seeds=seeds)
    assert len(evaluations) == 2000
    assert not wait(evaluations, timeout=500).not_done
    records = [evaluation.result() for evaluation in evaluations]
    assert len({record.record_id for record in records}) == len({record.key for record in records}) == 1400
    assert len(here.store) == 1400
    assert len(here.jobs()) <= 4
    here.cluster.wait_until(lambda: not here.cluster.squeue(), 60)


def test_two_people_ask_for_the_same_at_the_same_time(here):
    first, second = here.client(most=1), here.client(most=1)
    seeds = range(20)
    evaluations = [*first.map([small], **QUICK, seeds=seeds), *second.map([small], **QUICK, seeds=seeds)]
    assert not wait(evaluations, timeout=200).not_done
    assert len({evaluation.result().record_id for evaluation in evaluations}) == 20
    assert len(here.store) == 20
