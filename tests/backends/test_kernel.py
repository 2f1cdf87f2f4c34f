"""A run of Parsl that ends takes all with it that is pending, whatever goes wrong in Parsl."""

import types
from concurrent.futures import Future

import pytest

from jitnas_fn.core import errors

pytest.importorskip("parsl")

from parsl.dataflow.dflow import DataFlowKernel

from jitnas_fn.backends._kernel import Kernel, is_calling_back


class Parsl(DataFlowKernel):
    """Takes tasks, and cannot end."""

    def __init__(self):
        self.job_status_poller = types.SimpleNamespace(_strategy=types.SimpleNamespace(executors={}))
        self.replies = []

    def submit(self, *args, **given):
        self.replies.append(Future())
        return self.replies[-1]

    def cleanup(self):
        raise RuntimeError("cannot join current thread")


class Blocks:
    """What has blocks to give back."""

    def __init__(self, reason=None):
        self.executor_exception, self.bad_state_is_set, self.given_back = reason, reason is not None, False

    def give_back(self):
        self.given_back = True


@pytest.mark.parametrize(
    ("reason", "kind"), [(None, errors.WorkerLost), (OSError("the interchange is gone"), errors.SiteUnavailable)]
)
def test_what_nobody_brings_any_more_ends_with_the_run_and_blocks_are_given_back(reason, kind):
    blocks = Blocks(reason)
    kernel = Kernel(Parsl(), blocks)
    sent = [kernel.submit(print, (), {}) for _ in range(3)]
    kernel.end()
    assert [type(one.exception(0)) for one in sent] == [kind] * 3
    assert blocks.given_back


def test_what_a_run_brought_is_not_taken_back_when_it_ends():
    parsl, told = Parsl(), []
    kernel = Kernel(parsl, Blocks())
    sent = kernel.submit(print, (), {})
    sent.add_done_callback(lambda _: told.append(is_calling_back()))
    parsl.replies[0].set_result(7)
    kernel.end()
    assert (sent.result(0), told, is_calling_back()) == (7, [True], False)
