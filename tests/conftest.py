"""What every test gets: a home folder of its own, and the same examples each time in CI."""

import os
import signal
import sys

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.register_profile("ci", parent=settings.get_profile("here"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # in the background of a shell: all processes of the tests would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch):
    """`JITNAS_HOME` in a temporary folder, and no published snapshot, for the test and the processes it starts."""
    folder = tmp_path_factory.mktemp("jitnas_home")
    monkeypatch.setenv("JITNAS_HOME", str(folder))
    monkeypatch.setenv("JITNAS_SNAPSHOT", str(folder / "none"))
    return folder


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """One thread per process, here as far as torch is imported already, and in the processes the test starts."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


def pytest_sessionfinish():
    """What tests left open on purpose is not waited for."""
    endings = sys.modules.get("jitnas_fn.client.endings")
    if endings is not None:
        endings._open.clear()
