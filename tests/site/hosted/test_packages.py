"""What is needed of Debian is told apart from what Slurm needs, and starts nothing when it is installed."""

import subprocess

from tests.site import needs
from tests.site.hosted.hosted import obstacle


def test_where_rabbitmq_is_missing_the_reason_says_what_to_do(globus, monkeypatch):
    assert obstacle() is None
    monkeypatch.setattr(needs, "PATH", "/nowhere")
    assert obstacle() == (
        "RabbitMQ is not installed: make test-site as root, or apt-get install --no-install-recommends rabbitmq-server"
    )


def test_slurm_needs_no_rabbitmq(monkeypatch):
    monkeypatch.setattr(needs, "PATH", "/nowhere")
    assert needs.missing() == ["munge", "slurm-wlm"]
    assert needs.missing(needs.RABBITMQ) == ["rabbitmq-server"]


def test_no_package_starts_a_daemon_while_it_is_installed(tmp_path):
    policy = tmp_path / "policy-rc.d"
    with needs.no_daemons(policy):
        assert subprocess.run([policy, "rabbitmq-server", "start"], check=False).returncode == 101
    assert not policy.exists()


def test_an_administrators_policy_on_daemons_is_kept(tmp_path):
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 104\n")
    with needs.no_daemons(policy):
        assert "104" in policy.read_text()
    assert "104" in policy.read_text()
