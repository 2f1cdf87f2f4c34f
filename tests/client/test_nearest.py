"""The architectures nearest to one that has no record: which they are, what differs, and what is known of them."""

import copy
import dataclasses
import json
import random
from pathlib import Path

import pytest
from torch import nn

from jitnas_fn import Client
from jitnas_fn.client import nearest
from jitnas_fn.client.nearest import vicinity
from jitnas_fn.client.request import card_of, plan_of, understood
from jitnas_fn.client.standings import Standing
from jitnas_fn.client.summary import kept_on
from jitnas_fn.core.codec import digest, parse
from jitnas_fn.core.entry import architecture_entry, retraction_entry
from jitnas_fn.core.errors import RecordError
from jitnas_fn.core.task import Task, key_of
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.stores._lines import line_for
from jitnas_fn.stores.layered import LayeredStore
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.tinydb import TinyStore
from tests.client.fakes import Inline
from tests.graphs.documents.mutating import mutated
from tests.samples import a_record

ASK = {"dataset": "digits", "recipe": "instant"}


def keyed(*, width=4, kernel=3, activation=nn.ReLU, deep=0):
    """An architecture near `keyed()`, which is asked for."""
    layers = [nn.Conv2d(1, width, kernel, padding=kernel // 2), activation()]
    layers += [nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.Tanh()) for _ in range(deep)]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10)]
    return Architecture.from_module(nn.Sequential(*layers), (1, 8, 8), validate=False)


ASKED = keyed()
KERNEL, WIDER, WIDEST, OTHER, DEEP = (
    *[keyed(kernel=5), keyed(width=6), keyed(width=9)],
    *[keyed(kernel=1, activation=nn.GELU), keyed(deep=4)],
)


def a_result(fingerprint, *, recipe="instant", seed=0, accuracy=0.5, dataset=None, **fields):
    """A record of an architecture on digits."""
    card, plan = card_of("digits"), plan_of(recipe)
    task = Task(fingerprint, "digits", digest(dataset) if dataset else card.sha256, plan, seed)
    record = a_record(accuracy=accuracy)
    return dataclasses.replace(record, key=task.key, parts=task.parts, recipe=plan.to_dict(), **fields).sealed()


def keep(store, architecture, *, document=True, **fields):
    if document:
        store.append(architecture_entry(architecture.fingerprint, architecture.document))
    store.put(a_result(architecture.fingerprint, **fields))


@pytest.fixture
def store():
    return MemoryStore()


def explain(store, **ask):
    return Client(store=store, executor=Inline()).explain(ASKED, **{**ASK, **ask})


def named(found):
    return [(one.fingerprint, one.distance) for one in found.nearest]


def test_the_three_nearest_are_told_of_the_nearest_first(store):
    for architecture in (DEEP, WIDEST, OTHER, WIDER, KERNEL):
        keep(store, architecture)
    found = explain(store)
    assert named(found) == [(KERNEL.fingerprint, 1), (WIDER.fingerprint, 2), (WIDEST.fingerprint, 2)]
    assert (found.compared, found.undocumented, found.known) == (5, 0, False)
    assert [(one.layers, one.parameters) for one in found.nearest] == [(4, KERNEL.parameters), (4, 130), (4, 190)]
    assert found.nearest[0].differences[0].startswith("The convolution")
    assert "kernel 3 in A, 5 in B" in found.nearest[0].differences[0].replace("3×3", "3").replace("5×5", "5")
    assert all(1 <= len(one.differences) <= 3 for one in found.nearest)


def test_the_text_is_short_and_names_all_that_is_known(store):
    for seed, accuracy in enumerate((0.75, 0.8125)):
        keep(store, KERNEL, seed=seed, accuracy=accuracy)
    lines = str(explain(store)).splitlines()
    assert lines[2] == "Nearest with records on digits, of 1 compared (A is yours, B the one known):"
    known = "1 of 4 layers differs; 154 parameters; 2 records, validation accuracy 0.8125 with instant"
    assert lines[3] == f"{KERNEL.fingerprint[:12]}…  {known}"
    assert lines[4].startswith("  - The convolution")
    assert len(lines) <= 3 + 1 + 3


def test_what_differs_in_many_ways_is_cut(store):
    keep(store, keyed(width=6, kernel=1, activation=nn.GELU))
    (one,) = explain(store).nearest
    assert len(one.differences) == 3
    assert one.differences[-1] == "And 2 more differences."


def test_nothing_is_looked_for_around_what_is_known(store):
    keep(store, ASKED)
    keep(store, KERNEL)
    found = explain(store)
    assert (found.answers, found.nearest, found.compared) == (1, (), 0)
    missed = explain(store, seed=3)
    assert missed.seeds == {0: 1}
    assert named(missed) == [(KERNEL.fingerprint, 1)]  # not the architecture itself


def test_records_on_other_datasets_do_not_count(store):
    keep(store, KERNEL, dataset="of before")
    keep(store, WIDER)
    assert named(explain(store)) == [(WIDER.fingerprint, 2)]


def test_the_best_is_that_with_the_recipe_asked_for_and_else_with_any(store):
    keep(store, KERNEL, accuracy=0.5)
    keep(store, KERNEL, accuracy=0.625, seed=1)
    keep(store, KERNEL, accuracy=0.9, recipe="quick")
    keep(store, WIDER, accuracy=0.7, recipe="quick")
    keep(store, WIDER, accuracy=0.8, recipe="standard")
    assert [(one.best, one.recipe, one.records) for one in explain(store).nearest] == [
        (0.625, "instant", 3),
        (0.8, "standard", 2),
    ]
    assert explain(store, recipe="quick").nearest[0].best == 0.9


def test_what_never_trained_has_no_best(store):
    keep(store, KERNEL, verdict="diverged")
    keep(store, KERNEL, seed=1, verdict="diverged")
    (one,) = explain(store).nearest
    assert (one.best, one.recipe, one.verdicts) == (None, None, {"diverged": 2})
    assert "; 2 diverged\n" in str(one)


def test_where_less_is_better_the_best_is_the_least():
    request = understood(ASKED, **ASK)
    for direction, best in (("minimise", 0.25), ("maximise", 0.75)):
        standing = Standing()
        for accuracy in (0.5, 0.25, 0.75):
            standing.add(
                a_result(KERNEL.fingerprint, accuracy=accuracy),
                task=request.task,
                card=dataclasses.replace(request.card, direction=direction),
            )
        assert standing.best.value == best


def test_records_without_a_document_are_left_out_and_counted(store):
    keep(store, KERNEL, document=False)
    keep(store, KERNEL, document=False, seed=1)
    keep(store, WIDER)
    store.put(a_result("opaque-00000000-0000-4000-8000-000000000000"))
    found = explain(store)
    assert named(found) == [(WIDER.fingerprint, 2)]
    assert (found.compared, found.undocumented, found.records) == (1, 3, 4)


def broken(architecture, change):
    document = copy.deepcopy(architecture.document)
    change(document)
    return Architecture(document, digest(document))


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.clear(),
        lambda document: document.update(opset=99),
        lambda document: document.update(labelling="none"),
        lambda document: document.pop("outputs"),
        lambda document: document["nodes"][0]["attrs"].update(stride=[0, 0]),
        lambda document: document["parameters"][0].update(shape=[2**29] * 8),
        lambda document: document["nodes"].append(None),
    ],
)
def test_documents_that_describe_no_network_are_left_out_and_counted(store, change):
    keep(store, broken(KERNEL, change))
    keep(store, WIDER)
    found = explain(store)
    assert named(found) == [(WIDER.fingerprint, 2)]
    assert (found.compared, found.undocumented) == (1, 1)


def test_hostile_documents_do_no_harm():
    chance, documents = random.Random(1), {}
    while len(documents) < 150:
        try:
            document = parse(mutated(chance, OTHER.document, {}), max_bytes=8_000_000, error=RecordError, what="entry")
        except RecordError:
            continue
        documents[digest(document)] = document
    request, kept = understood(ASKED, **ASK), 0
    for fingerprint, document in documents.items():
        result = a_result(fingerprint)
        standing = Standing()
        standing.add(result, task=request.task, card=request.card)
        rows = list(kept_on([line_for(result)[1]]).standing.values())
        found = vicinity(
            ASKED,
            {fingerprint: rows},
            metric="accuracy",
            documents={fingerprint: document}.get,
            standing=lambda _, standing=standing: standing,
        )
        assert found.compared + found.undocumented == 1
        assert len(found.nearest) == found.compared
        kept += found.compared
    assert 0 < kept < len(documents)


def test_names_and_numbers_in_records_do_no_harm_either(store):
    name = "\x1b[2J\n" + "x" * 500
    record = a_result(KERNEL.fingerprint, metrics={"validation": {"accuracy": 1e301}}, size={"parameters": "many"})
    store.append(architecture_entry(KERNEL.fingerprint, KERNEL.document))
    store.put(record)
    store.put(dataclasses.replace(a_result(KERNEL.fingerprint, seed=1), recipe={"name": name}).sealed())
    keep(store, ASKED, seed=1, recipe="quick")
    parts = {**a_result(ASKED.fingerprint).parts, "recipe": digest("other")}
    store.put(dataclasses.replace(record, key=key_of(parts), parts=parts, recipe={"name": name}).sealed())
    found = explain(store)
    assert found.nearest[0].best == 0.5
    assert all(line.isprintable() and len(line) < 250 for line in str(found).splitlines())


def test_of_very_many_those_of_similar_size_are_compared_and_only_the_nearest_are_read_again(store, monkeypatch):
    monkeypatch.setattr(nearest, "MOST_COMPARED", 3)
    for architecture in (DEEP, WIDEST, WIDER, KERNEL):
        keep(store, architecture, size={"parameters": architecture.parameters})
    read = []

    class Counting(LayeredStore):
        def document(self, fingerprint):
            read.append(fingerprint)
            return super().document(fingerprint)

    found = explain(Counting([store]))
    assert DEEP.fingerprint not in read  # 90 parameters are asked for, it has the most
    assert (found.compared, len(found.nearest), len(read)) == (3, 3, 6)


def test_what_is_too_large_for_words_is_told_of_all_the_same(store, monkeypatch):
    monkeypatch.setattr(nearest, "MOST_LAYERS", 3)
    keep(store, broken(WIDER, lambda document: document.pop("outputs")))
    keep(store, KERNEL)
    (one,) = explain(store).nearest
    assert one.differences == ("More than 3 layers, too many to compare in words.",)


def test_all_layers_of_a_store_are_looked_at(tmp_path, own_home):
    first, second, third = TinyStore(tmp_path / "own.jsonl"), MemoryStore(), MemoryStore()
    keep(second, ASKED, seed=1)
    keep(third, ASKED, seed=1, document=False)
    third.put(a_result(ASKED.fingerprint, seed=2))
    third.put(a_result(ASKED.fingerprint, recipe="quick"))
    second.put(a_result(ASKED.fingerprint, dataset="of before"))
    keep(second, KERNEL, document=False)
    keep(third, KERNEL, document=True, seed=1, accuracy=0.75)
    keep(third, WIDER)
    withdrawn = a_result(WIDER.fingerprint, seed=1)
    third.put(withdrawn)
    second.put(withdrawn)
    first.append(retraction_entry(withdrawn.record_id, "wrong labels", created="2026-01-02T03:04:05Z"))
    found = explain(LayeredStore([first, second, third]))
    assert (found.seeds, found.recipes, found.versions) == ({1: 2, 2: 1}, {"quick": 1}, {"1": 1})
    assert [(one.fingerprint, one.records, one.best) for one in found.nearest] == [
        (KERNEL.fingerprint, 2, 0.75),
        (WIDER.fingerprint, 1, 0.5),
    ]
    assert (found.records, found.undocumented) == (8, 0)


def test_what_is_only_initialised_otherwise_is_nearest(store):
    zeros = copy.deepcopy(ASKED.document)
    zeros["parameters"][0]["init"] = {"const": 0.0}
    keep(store, KERNEL)
    keep(store, Architecture.from_document(zeros))
    first = explain(store).nearest[0]
    assert first.distance == 0
    assert "none of 4 layers differ;" in str(first)
    assert "at 0" in first.differences[0]


def test_the_readme_shows_what_is_printed(store):
    def network(activation):
        layers = [nn.Conv2d(1, 32, 3, padding=1), activation(), nn.MaxPool2d(2)]
        layers += [nn.Conv2d(32, 64, 3, padding=1), activation(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]
        return Architecture.from_module(nn.Sequential(*layers), (1, 8, 8), validate=False)

    keep(store, network(nn.ReLU), recipe="quick", accuracy=0.9775)
    found = Client(store=store, executor=Inline()).explain(network(nn.GELU), dataset="digits", recipe="quick")
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    assert f"```text\n{found}\n```" in readme, found


def test_it_is_json_too(store):
    keep(store, KERNEL)
    fields = json.loads(json.dumps(explain(store).to_dict()))
    (one,) = fields["nearest"]
    assert (one["fingerprint"], one["distance"], one["layers"], one["best"]) == (KERNEL.fingerprint, 1, 4, 0.5)
    assert isinstance(one["differences"][0], str)
    assert (fields["compared"], fields["undocumented"]) == (1, 0)
