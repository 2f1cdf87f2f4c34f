import getpass
import re
import socket
import threading

import pytest

from jitnas_fn.core import shelf
from jitnas_fn.core.errors import FingerprintMismatch, NotAllowed, OutputMismatch
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import Limits
from jitnas_fn.stores.memory import MemoryStore
from tests.client.models import Respelled, Unkeyable, small
from tests.worker.asking import item_of, results_of, trained
from tests.worker.models import Bad

SHORT = Recipe(name="short", epochs=2, batch_size=64, learning_rate=0.05, momentum=0.9, flip=True)


def _four():
    return small(outputs=4)


def test_a_document_comes_back_as_a_record():
    item = item_of(_four, SHORT, seed=5)
    record = trained(item)
    assert record.key == item["key"]
    assert record.parts == item["parts"]
    assert record.verdict == "trained"
    assert record.limits is None
    assert record.recipe == SHORT.to_dict()
    assert record.dataset == {
        "name": "synthetic",
        "version": "1",
        "task": "classification",
        "metric": "accuracy",
        "direction": "maximise",
        "unit": "fraction",
        "splits": {"train": 512, "validation": 128, "test": 128},
    }
    assert {split: set(series) for split, series in record.curves.items()} == {
        "train": {"loss", "accuracy"},
        "validation": {"loss", "accuracy"},
    }
    assert len(record.curves["train"]["loss"]) == 2
    assert set(record.metrics) == {"train", "validation", "test"}
    assert set(record.cost) == {
        *("train_seconds", "evaluation_seconds", "wall_seconds", "joules", "joules_method", "peak_bytes", "attempts")
    }
    assert record.cost["attempts"] == 1
    assert record.size["parameters"] == 4 * 9 + 4 + 4 * 4 + 4
    assert record.size["macs"] > 0
    assert record.size["counter"]
    assert set(record.environment) == {"device", "threads", "determinism", "versions", "platform"}
    assert record.environment["threads"] == 1
    assert set(record.environment["versions"]) == {"jitnas_fn", "python", "torch", "numpy"}
    created = record.provenance.pop("created")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created)
    about = {
        "site": "test site",
        "origin": "trained",
        "payload": "graph",
        "validation": None,
        "trust": "local",
        "token": 0,
        "job": None,
    }
    assert record.provenance == about
    assert record.seal["salt"]


def test_a_record_names_no_user_host_or_path(tmp_path):
    text = trained(item_of(_four)).to_json()
    for secret in (getpass.getuser(), socket.gethostname(), str(tmp_path), "/home", "site-packages"):
        assert secret not in text


def test_the_same_key_gives_identical_curves_and_metrics():
    first, second = (trained(item_of(_four, SHORT, seed=1)) for _ in range(2))
    assert first.curves == second.curves
    assert first.metrics == second.metrics
    assert trained(item_of(_four, SHORT, seed=2)).curves != first.curves


def test_another_spelling_of_the_same_network_gives_the_same_numbers():
    one, other = item_of(small, dataset="digits"), item_of(Respelled, dataset="digits")
    assert one["key"] == other["key"]
    assert trained(one).metrics == trained(other).metrics


def test_many_tasks_in_one_message_are_answered_in_order_whatever_becomes_of_each():
    good, bad = item_of(_four), item_of(_four, seed=1)
    bad["payload"] = item_of(lambda: small(outputs=4, channels=5))["payload"]
    results = results_of(good, bad, "nonsense", good)
    assert [result["key"] for result in results] == [good["key"], bad["key"], None, good["key"]]
    assert results[0]["source"] == "trained"
    assert results[1]["error"]["type"] == "FingerprintMismatch"
    assert results[2]["error"]["type"] == "EnvelopeError"
    assert "record" in results[3]


def test_a_pickled_model_with_a_key_is_rebuilt_and_gives_the_documents_numbers():
    by_document = trained(item_of(_four, SHORT))
    by_code = trained(item_of(_four, SHORT, payload="cloudpickle"))
    assert by_code.key == by_document.key
    assert by_code.metrics == by_document.metrics
    assert by_code.size == by_document.size
    assert by_code.provenance["payload"] == "cloudpickle"


def test_a_pickled_model_that_is_not_what_was_announced_is_refused():
    item = item_of(_four, payload="cloudpickle")
    item["payload"] = item_of(lambda: small(outputs=4, channels=5), payload="cloudpickle")["payload"]
    with pytest.raises(FingerprintMismatch, match="announced"):
        trained(item)


def test_what_has_no_key_is_trained_as_it_is_under_an_id_of_its_own():
    record = trained(item_of(Unkeyable(), SHORT, keyed=False))
    assert record.key == record.parts["fingerprint"]
    assert record.key.startswith("opaque-")
    assert record.size == {"parameters": 60, "macs": None, "counter": None}
    assert len(record.curves["validation"]["accuracy"]) == 2


def test_a_pickled_model_of_the_wrong_size_is_refused_before_training():
    with pytest.raises(OutputMismatch, match="answers 7 for one sample; synthetic needs 4"):
        trained(item_of(Bad("nothing", outputs=7), keyed=False))


def test_a_site_that_states_nothing_accepts_documents_only(site):
    site(accepts=("graph",))
    with pytest.raises(NotAllowed, match="'test site' does not accept payload cloudpickle; it accepts graph"):
        trained(item_of(_four, payload="cloudpickle"))


def test_a_site_with_a_store_answers_from_it_and_keeps_what_it_trains(site):
    site(store=MemoryStore())
    item = item_of(_four)
    first, second = results_of(item, item)
    assert (first["source"], second["source"]) == ("trained", "shared")
    assert first["record"] == second["record"]


def test_a_record_that_met_a_limit_answers_only_smaller_requests(site):
    site(store=MemoryStore(), grace_seconds=0.2)
    endless = Recipe(name="endless", epochs=50_000, batch_size=64, learning_rate=0.01)
    halted, asked_less = (item_of(_four, endless, limits=Limits(seconds=seconds)) for seconds in (0.5, 0.2))
    (first,) = results_of(halted)
    (second,) = results_of(asked_less)
    assert Record.from_dict(first["record"]).verdict == "over_time"
    assert second["source"] == "shared"


def test_several_threads_train_at_the_same_time(site):
    here, records = site(), {}

    def work(seed):
        from jitnas_fn.worker.site import use

        use(here)
        records[seed] = trained(item_of(_four, SHORT, seed=seed))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {seed: record.parts["seed"] for seed, record in records.items()} == {0: 0, 1: 1}


def test_diverging_is_a_verdict_with_nulls():
    record = trained(item_of(_four, Recipe(name="wild", epochs=3, batch_size=64, learning_rate=1e6, momentum=0.9)))
    assert record.verdict == "diverged"
    assert record.metrics["test"] == {"loss": None, "accuracy": None}
    assert None in record.curves["train"]["loss"] + record.curves["validation"]["loss"]


def test_digits_are_known_here():
    assert trained(item_of(small, dataset="digits")).dataset["name"] in shelf.names("datasets")
