"""Where there can be no Slurm, the reason says what to do."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.site.cluster import ROOT
from tests.site.needs import LACK, is_excuse

pytestmark = pytest.mark.usefixtures("slurm")


def obstacle_at(host):
    """What is in the way on a machine of that name."""
    code = "from tests.site.needs import obstacle; print(obstacle())"
    line = f'hostname "{host}" && exec "{sys.executable}" -c "{code}"'
    own_name = ["unshare", "--uts", "--map-root-user", "sh", "-c", line]
    run = subprocess.run(own_name, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    if "unshare" in run.stderr:
        pytest.skip(f"{LACK}no namespace to change the name in: {run.stderr.strip()}")
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_a_host_name_of_this_machine_alone_is_no_obstacle():
    assert obstacle_at("localhost") == "None"


@pytest.mark.skipif("myhostname" in Path("/etc/nsswitch.conf").read_text(), reason=f"{LACK}every host name has an address")
def test_a_host_name_without_an_address_is():
    told = "this host's own name, nowhere.invalid, has no address: Slurm needs a line '127.0.1.1 nowhere.invalid' in /etc/hosts"
    assert obstacle_at("nowhere.invalid") == told


def test_where_the_cluster_is_required_only_what_the_machine_lacks_excuses_a_test(monkeypatch):
    monkeypatch.delenv("JITNAS_TEST_SITE", raising=False)
    assert is_excuse("Skipped: no time")
    monkeypatch.setenv("JITNAS_TEST_SITE", "required")
    assert is_excuse(f"Skipped: {LACK}no cgroups")
    assert not is_excuse("Skipped: no time")
