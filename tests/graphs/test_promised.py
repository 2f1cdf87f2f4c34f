"""An architecture whose fingerprint is known before it is built: built when needed, and never another one."""

import dataclasses
import pickle

import pytest

from jitnas_fn.core.errors import FingerprintMismatch
from jitnas_fn.graphs.promised import Promised
from jitnas_fn.spaces.mlp import SPACE
from tests.searchers.problems import problem_of

POINT, OTHER = (1, 2, 3, 0, 2, 1), (1, 2, 3, 0, 2, 0)
ENDS = {"input_shape": (1, 8, 8), "outputs": 10}


def built(point=POINT):
    return SPACE.architecture(point, (1, 8, 8), 10)


def test_nothing_is_built_before_its_document_is_asked_for():
    calls = []
    promised = Promised(built().fingerprint, lambda: calls.append(1) or built(), **ENDS)
    assert (promised.fingerprint, promised.input_shape, promised.answered) == (built().fingerprint, (1, 8, 8), (10,))
    assert promised.input_dtype == built().input_dtype
    assert promised.intact() is promised
    assert calls == []
    assert promised.document == built().document
    assert (promised.parameters, promised.macs) == (built().parameters, built().macs)
    assert promised.document is promised.document
    assert calls == [1]


def test_another_network_than_was_promised_is_refused():
    promised = Promised(built(OTHER).fingerprint, built, **ENDS)
    with pytest.raises(FingerprintMismatch, match="promised was fingerprint"):
        _ = promised.document


def test_a_document_that_was_changed_is_another_architecture():
    promised = Promised(built().fingerprint, built, **ENDS)
    promised.document.clear()
    promised.document.update(built(OTHER).document)
    assert promised.intact().fingerprint == built(OTHER).fingerprint


def test_it_ends_as_what_is_built():
    assert (built().input_shape, built().answered) == (ENDS["input_shape"], (ENDS["outputs"],))


def test_it_is_equal_to_what_is_built_on_either_side():
    promised = Promised(built().fingerprint, built, **ENDS)
    assert promised == built()
    assert built() == promised
    assert promised == Promised(built().fingerprint, built, **ENDS)
    assert promised != built(OTHER)
    assert promised != built().fingerprint


def test_what_a_problem_promises_can_be_sent_to_another_process():
    class Book:
        def get(self, space, point, input_shape, outputs):
            return built().fingerprint

    promised = dataclasses.replace(problem_of(), aliases=Book()).architecture(POINT)
    assert isinstance(promised, Promised)
    assert pickle.loads(pickle.dumps(promised)).document == built().document
