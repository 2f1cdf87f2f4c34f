"""A real Slurm and a hosted service for the tests of this folder. Where there can be none, they are skipped and say why."""

import tempfile
from pathlib import Path

import pytest

from tests.site.cluster import Cluster
from tests.site.hosted.hosted import Hosted
from tests.site.hosted.hosted import obstacle as obstacle_to_hosted
from tests.site.needs import is_excuse, is_required, obstacle

SECONDS = 600  # for one test; queues, restarts and time limits take theirs


HOSTED = ("tests/site/hosted/", "tests/site/endpoint/")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Processes may share these tests, file by file: but one has the hosted service, which clients look for at one port."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return "hosted" if nodeid.startswith(HOSTED) else nodeid.partition("::")[0]

    return ByFile(config, log)


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.site)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.fixture(scope="session")
def slurm():
    """Skips where there can be no Slurm; fails where `JITNAS_TEST_SITE=required` says that it must be there."""
    if reason := obstacle():
        (pytest.fail if is_required() else pytest.skip)(reason)


@pytest.fixture(scope="session")
def cluster(slurm):
    """A cluster that is up, with partitions gpu, infer and scavenge. It may still run what an earlier test left."""
    with Cluster(tempfile.mkdtemp(prefix="site-", dir="/tmp")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def globus():
    """Skips where there can be no hosted service; fails where it must be there."""
    if reason := obstacle_to_hosted():
        (pytest.fail if is_required() else pytest.skip)(reason)


@pytest.fixture(scope="session")
def hosted(globus):
    """RabbitMQ and a stand-in for the hosted service, one for all tests: clients look for it at one port."""
    with Hosted(tempfile.mkdtemp(prefix="hosted-", dir="/tmp")) as hosted:
        yield hosted


@pytest.fixture
def idle(cluster):
    """The cluster with all its nodes up and idle, before and after the test."""
    cluster.clear()
    yield cluster
    cluster.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """What Slurm logged stands in the report of a test that fails. One that is skipped without need has failed."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and not is_excuse(report.longrepr[2]):
        report.outcome, report.longrepr = (
            "failed",
            f"JITNAS_TEST_SITE=required, and this machine could do it: {report.longrepr[2]}",
        )
    cluster = getattr(item, "funcargs", {}).get("cluster")
    if report.failed and isinstance(cluster, Cluster):
        report.sections += [(f"log of {part}", cluster.log(part)) for part in ("slurmctld", *(n.name for n in cluster.nodes))]
    return report
