"""Every error: one root, and a built-in each."""

import builtins

import pytest

from jitnas_fn.core import errors
from jitnas_fn.core.envelope import error_fields, raised

BUILT_IN = {
    "NotAModel": TypeError,
    "UnknownName": LookupError,
    "UnsupportedModel": ValueError,
    "UnknownInitialisation": ValueError,
    "DocumentError": ValueError,
    "FingerprintMismatch": ValueError,
    "PointError": ValueError,
    "RecipeError": ValueError,
    "TaskError": ValueError,
    "DatasetError": ValueError,
    "OutputMismatch": ValueError,
    "RecordError": ValueError,
    "NewerVersion": ValueError,
    "EnvelopeError": ValueError,
    "PayloadTooLarge": ValueError,
    "NotAllowed": PermissionError,
    "StoreError": OSError,
    "NotTabulated": LookupError,
    "TableError": ValueError,
    "LeaseLost": RuntimeError,
    "ModelFileError": ImportError,
    "SiteFileError": ValueError,
    "ModelFailed": RuntimeError,
    "WorkerLost": ConnectionError,
    "SiteUnavailable": ConnectionError,
    "WalltimeExceeded": RuntimeError,  # no TimeoutError, which `result(timeout)` raises
    "DeadlineExceeded": RuntimeError,
    "Cancelled": RuntimeError,
}
RETRYABLE = {"WorkerLost", "SiteUnavailable", "WalltimeExceeded", "DeadlineExceeded"}


def test_every_leaf_is_tried_here():
    leaves = {leaf.__name__ for leaf in errors.JitnasError.__subclasses__() if leaf.__module__ == errors.__name__}
    assert leaves == set(BUILT_IN)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_leaf_is_caught_as_ours_and_as_the_built_in(name):
    leaf = getattr(errors, name)
    for kind in (errors.JitnasError, BUILT_IN[name]):
        with pytest.raises(kind, match="what was met"):
            raise leaf("what was met")
    assert getattr(builtins, BUILT_IN[name].__name__) is BUILT_IN[name]


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_leaf_says_whether_asking_again_may_help(name):
    assert getattr(errors, name).retryable is (name in RETRYABLE)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_leaf_survives_the_wire(name):
    error = getattr(errors, name)("what was met, and what there is instead")
    again = raised(error_fields(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.retryable is error.retryable


def test_a_name_of_a_later_version_is_the_root():
    assert errors.named("Quarantined") is errors.JitnasError
    assert errors.named("ClassVar") is errors.JitnasError
