"""Whatever Parsl ends a task with, it is one of our errors, and says where it came from and whether asking again may help."""

import types

import pytest

from jitnas_fn.core import errors

pytest.importorskip("parsl")

from parsl.app.errors import AppTimeout
from parsl.errors import ConfigurationError, InternalConsistencyError, OptionalModuleMissing, ParslError
from parsl.executors.errors import BadMessage, BadStateException, InvalidResourceSpecification, ScalingFailed
from parsl.executors.high_throughput import errors as htex
from parsl.jobs.errors import TooManyJobFailuresError
from parsl.serialize.errors import DeserializationError, DeserializerPluginError, SerializationError

from jitnas_fn.backends._failures import typed


class OfALaterVersion(ParslError):
    """What this version does not know."""


def executor(why=None):
    return types.SimpleNamespace(label="jitnas", executor_exception=why)


def in_bad_state(why):
    return BadStateException(executor(why), why)


MISMATCH = htex.VersionMismatch("py.v=3.11 parsl.v=1", "py.v=3.12 parsl.v=2")
REFUSED = TooManyJobFailuresError("sbatch: error:\n  Invalid account")


@pytest.mark.parametrize(
    ("failure", "kind", "retryable", "words"),
    [
        (htex.ManagerLost(b"1", "node7"), errors.WorkerLost, True, "the job in which it was trained is gone .*node7"),
        (htex.WorkerLost(1, "node7"), errors.WorkerLost, True, "the worker that trained it is gone .*node7"),
        (in_bad_state(REFUSED), errors.SiteUnavailable, False, "takes no jobs .* sbatch: error: Invalid account"),
        (REFUSED, errors.SiteUnavailable, False, "takes no jobs"),
        (ScalingFailed(executor(), "no launcher"), errors.SiteUnavailable, False, "takes no jobs .*no launcher"),
        (BadStateException(executor(), "bad"), errors.SiteUnavailable, False, "takes no jobs .*bad"),
        (in_bad_state(MISMATCH), errors.SiteUnavailable, False, "installed and set up .*VersionMismatch.*parsl.v=2"),
        (MISMATCH, errors.SiteUnavailable, False, "installed and set up"),
        (ConfigurationError("x"), errors.SiteUnavailable, False, "ConfigurationError: x"),
        (OptionalModuleMissing(["x"], "y"), errors.SiteUnavailable, False, "OptionalModuleMissing"),
        (InvalidResourceSpecification({"x"}), errors.SiteUnavailable, False, "InvalidResourceSpecification"),
        (DeserializerPluginError(b"x"), errors.SiteUnavailable, False, "DeserializerPluginError"),
        (SerializationError("run_task"), errors.EnvelopeError, False, "cannot be sent .*SerializationError.*run_task"),
        (DeserializationError("pickle"), errors.SiteUnavailable, True, "failed .*DeserializationError.*pickle"),
        (in_bad_state(OSError("the socket")), errors.SiteUnavailable, True, "failed .*OSError: the socket"),
        (BadMessage("x"), errors.SiteUnavailable, True, "BadMessage"),
        (AppTimeout(), errors.SiteUnavailable, True, "AppTimeout"),
        (InternalConsistencyError("x"), errors.SiteUnavailable, True, "InternalConsistencyError"),
        (htex.CommandClientTimeoutError(), errors.SiteUnavailable, True, "CommandClientTimeoutError"),
        (OfALaterVersion("x"), errors.SiteUnavailable, True, "OfALaterVersion: x"),
        (ModuleNotFoundError("No module named 'jitnas_fn'"), errors.SiteUnavailable, True, "No module named 'jitnas_fn'"),
    ],
)
def test_a_failure_is_one_of_our_errors_with_the_original_as_its_cause(failure, kind, retryable, words):
    error = typed(failure)
    assert (type(error), error.retryable, error.__cause__) == (kind, retryable, failure)
    with pytest.raises(kind, match=words):
        raise error


def test_what_is_ours_already_stays():
    ours = errors.NotAllowed("x")
    assert typed(ours) is ours
    assert ours.__cause__ is None
