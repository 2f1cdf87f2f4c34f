"""From a laptop through the service and the agent to a job on the cluster, and back."""

from jitnas_fn import Client
from jitnas_fn.stores.memory import MemoryStore
from tests.site.training.models import small

ASK = {"dataset": "digits", "recipe": "quick"}


def test_a_miss_is_trained_in_a_job_and_the_second_ask_touches_nothing(laptop):
    client = laptop.client()
    evaluation = client.submit(small, **ASK)
    record = evaluation.result(120)
    assert evaluation.source == "trained"
    assert record.verdict == "trained"
    assert laptop.jobs()
    assert record.provenance["job"]["id"] in laptop.jobs()
    assert record.provenance["site"] == "one machine"
    assert laptop.store.get(record.key) == record
    before = laptop.hosted.requests()["total"]
    again = client.submit(small, **ASK)
    assert (again.source, again.result(0)) == ("cache", record)
    assert laptop.hosted.requests()["total"] == before


def test_another_person_is_answered_by_the_site_without_a_job(laptop):
    first = laptop.client().evaluate(small, **ASK)
    jobs = laptop.jobs()
    evaluation = laptop.client().submit(small, **ASK)
    assert evaluation.result(60) == first
    assert evaluation.source == "shared"
    assert laptop.jobs() == jobs
    assert laptop.client().lookup(small, **ASK) == first
    assert laptop.client().lookup(small, **ASK, seed=1) is None


def test_two_thousand_evaluations_of_which_a_third_are_duplicates_take_few_requests(laptop):
    seeds = [*range(1400), *range(600)]
    evaluations = laptop.client().map([small], dataset="digits", recipe="instant", seeds=seeds)
    assert (len(evaluations), len(set(evaluations))) == (2000, 1400)  # those of one client are one
    assert {one.result(300).verdict for one in evaluations} == {"trained"}
    assert {one.source for one in evaluations} == {"trained"}
    assert len(laptop.store) == 1400
    assert laptop.hosted.requests()["total"] <= 60


def test_a_cache_is_filled_through_the_endpoint_alone(laptop):
    records = [one.result(120) for one in laptop.client().map([small], **ASK, seeds=range(3))]
    far = Client(store=MemoryStore(), executor=laptop.executor())
    synced = far.sync()
    assert synced.reached
    assert [far.store.get(record.key) for record in records] == records
