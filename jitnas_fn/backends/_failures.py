"""Parsl's failures as errors of ours, with the original as their cause. Imported only when Parsl is there."""

from parsl.errors import ConfigurationError, OptionalModuleMissing
from parsl.executors.errors import BadStateException, InvalidResourceSpecification, ScalingFailed, UnsupportedFeatureError
from parsl.executors.high_throughput import errors as htex
from parsl.jobs.errors import TooManyJobFailuresError
from parsl.serialize.errors import DeserializerPluginError, SerializationError

from jitnas_fn.core.errors import EnvelopeError, JitnasError, SiteUnavailable, WorkerLost

MOST_CHARACTERS = 1500  # of what Parsl says
LASTING = (  # until somebody installs or writes something else
    ConfigurationError,
    DeserializerPluginError,
    InvalidResourceSpecification,
    OptionalModuleMissing,
    UnsupportedFeatureError,
    htex.VersionMismatch,
)


def typed(failure: BaseException) -> JitnasError:
    """What became of a task, as one of our errors; `retryable` unless the next try cannot but fail in the same way.

    What is no error of Parsl's came about in the block, where the function was loaded or run: `run_task` itself raises nothing.
    """
    if isinstance(failure, JitnasError):
        return failure
    error = _ours(failure)
    error.__cause__ = failure
    return error


def _ours(failure: BaseException) -> JitnasError:
    match failure:
        case htex.ManagerLost():
            return WorkerLost(f"the job in which it was trained is gone ({failure})")
        case htex.WorkerLost():
            return WorkerLost(f"the worker that trained it is gone ({failure})")
        case BadStateException():
            why = getattr(failure.executor, "executor_exception", None)
            return _refused(failure.reason) if why is None or isinstance(why, BadStateException) else _ours(why)
        case TooManyJobFailuresError() | ScalingFailed():
            return _refused(str(failure))
        case SerializationError():
            return EnvelopeError(f"this cannot be sent to a block ({_told(failure)})")
        case _ if isinstance(failure, LASTING):
            return _lasting(SiteUnavailable(f"Parsl cannot work here as it is installed and set up ({_told(failure)})"))
        case _:
            return SiteUnavailable(f"Parsl, or the block that it was sent to, failed ({_told(failure)})")


def _refused(told: str) -> JitnasError:
    return _lasting(SiteUnavailable(f"the scheduler takes no jobs as the site file asks for them: {_in_a_line(told)}"))


def _lasting(error: JitnasError) -> JitnasError:
    error.retryable = False
    return error


def _told(failure: BaseException) -> str:
    return _in_a_line(f"{type(failure).__name__}: {failure}")


def _in_a_line(text: str) -> str:
    return " ".join(text.split())[:MOST_CHARACTERS]
