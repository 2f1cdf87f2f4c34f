"""`jitnas site doctor` on the interpreters, the scheduler and the network of a machine."""

import json
import socket
import threading

import pytest

pytest.importorskip("globus_compute_endpoint")

from jitnas_fn.cli.site import _checks_machine, _checks_network, doctor
from jitnas_fn.cli.site._finding import OK
from tests.cli.site.findings import change, found, states

SINFO = """
case "$*" in
  *--partition=gpu\\ *) echo 'gpu|up|1-00:00:00|gpu:L40:8' ;;
  *--partition=long\\ *) echo 'long|down|3-00:00:00|(null)' ;;
  *--format=%R) printf 'gpu\\nlong\\n' ;;
esac
"""
PROBED = {
    "python": "3.12.1",
    "machine": "aarch64",
    "versions": {"jitnas_fn": None, "torch": "2.9", "parsl": "1", "globus-compute-sdk": "4", "globus-compute-endpoint": "4"},
    "torch": {"error": None, "gpus": 0, "built_for": "CUDA"},
    "datasets": {"digits": None, "other": None},
}


# Interpreters.


def test_this_machine_s_interpreter_has_what_it_needs(endpoint):
    assert states(_checks_machine.agent, endpoint()) == [("interpreter", "ok"), ("packages", "ok")]


def test_an_interpreter_without_the_agent_s_program_is_told(endpoint):
    (finding,) = [
        one for one in found(_checks_machine.agent, endpoint("slurm", "agent_python=/opt/x/bin/python")) if one.state != OK
    ]
    assert finding.met == "there is no /opt/x/bin/globus-compute-endpoint"
    assert finding.todo == "/opt/x/bin/python -m pip install 'jitnas_fn[endpoint]'"


def test_on_ppc64le_it_says_why_jobs_cannot_run_there_and_what_to_do(endpoint, monkeypatch):
    monkeypatch.setattr(_checks_machine.platform, "machine", lambda: "ppc64le")
    (finding,) = [one for one in found(_checks_machine.agent, endpoint()) if one.state == "FAIL"]
    assert "ppc64le too, which is not supported" in finding.met
    assert "Python 3.9" in finding.todo
    assert "jitnas site init bede" in finding.todo
    assert states(_checks_machine.agent, endpoint("slurm", "python=/nobackup/aarch64/python", name="other"), "interpreter") == [
        ("interpreter", "ok")
    ]


def test_the_jobs_interpreter_is_run_as_in_a_job(endpoint):
    lines = ["environment=export JITNAS_TEST_LINE=1", 'environment=test -n "$JITNAS_TEST_LINE" || exit 3']
    findings = found(_checks_machine.jobs, endpoint("slurm", *lines))
    assert [(one.subject, one.state) for one in findings] == [("jobs", "ok"), ("torch", "ok"), ("datasets", "ok")]
    assert "digits" in findings[-1].met


def test_the_jobs_interpreter_finds_what_the_agent_s_processes_would(endpoint, tmp_path):
    folder = endpoint("slurm", "environment=command -v only-there || exit 3")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "only-there").touch(0o755)
    assert states(_checks_machine.jobs, folder) == [("jobs", "FAIL")]
    change(folder / "user_environment.yaml", 'PATH: "', f'PATH: "{tmp_path}/there:')
    assert ("jobs", "ok") in states(_checks_machine.jobs, folder)


@pytest.mark.parametrize(
    ("script", "state", "said"),
    [
        ("echo no such module >&2; exit 1", "FAIL", "does not run: no such module"),
        ("echo not json", "FAIL", "does not run: it says nothing"),
        ("echo 'Exec format error' >&2; exit 126", "warn", "does not run on this machine"),
    ],
)
def test_an_interpreter_that_does_not_run_is_told_apart_from_one_for_the_nodes(script, state, said, endpoint, tmp_path):
    (tmp_path / "python").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "python").chmod(0o755)
    (finding,) = found(_checks_machine.jobs, endpoint("slurm", f"python={tmp_path}/python"))
    assert finding.state == state
    assert said in finding.met


@pytest.mark.parametrize(
    ("change_", "device", "expected"),
    [
        ({}, "cuda", [("jobs", "ok"), ("torch", "ok"), ("datasets", "ok")]),
        ({"jitnas_fn": None}, "cuda", [("jobs", "FAIL")]),
        ({"parsl": None}, "cuda", [("jobs", "FAIL")]),
        ({"jitnas_fn": "0.0.1"}, "cuda", [("jobs", "warn")]),
        ({"gpus": 2}, "cuda", [("torch", "ok")]),
        ({"built_for": None}, "cuda", [("torch", "FAIL")]),
        ({"built_for": None}, "auto", [("torch", "ok")]),
        ({"error": "ImportError: libcudart.so"}, "cpu", [("torch", "FAIL")]),
        ({"digits": "DatasetError: no", "other": "ImportError: no"}, "cpu", [("datasets", "FAIL")]),
        ({"digits": "DatasetError: no"}, "cpu", [("datasets", "ok"), ("datasets", "warn")]),
    ],
)
def test_what_the_jobs_interpreter_lacks_is_told(change_, device, expected, endpoint, monkeypatch):
    has = json.loads(json.dumps(PROBED))
    has["versions"]["jitnas_fn"] = _checks_machine.version("jitnas_fn")
    for name, value in change_.items():
        next(part for part in (has["versions"], has["torch"], has["datasets"]) if name in part or part is has["datasets"])[
            name
        ] = value
    monkeypatch.setattr(_checks_machine, "probed", lambda endpoint: has)
    assert set(expected) <= set(states(_checks_machine.jobs, endpoint("slurm", f"device={device}")))


def test_without_a_gpu_a_login_node_is_well_and_a_laptop_is_not(endpoint, monkeypatch):
    has = {**PROBED, "versions": {**PROBED["versions"], "jitnas_fn": "1"}}
    monkeypatch.setattr(_checks_machine, "probed", lambda endpoint: has)
    (login,) = found(_checks_machine.jobs, endpoint("slurm", "device=cuda", name="cluster"), "torch")
    assert (login.state, "no GPU here, as on most login nodes" in login.met) == ("ok", True)
    assert states(_checks_machine.jobs, endpoint("laptop", "device=cuda", name="a"), "torch") == [("torch", "FAIL")]
    assert states(_checks_machine.jobs, endpoint("laptop", "device=auto", name="b"), "torch") == [("torch", "warn")]


# Slurm.


def slurm(folder, subject=None):
    return states(doctor._checks_slurm.slurm, folder, subject)


def test_partitions_accounts_and_a_job_are_tried(endpoint, programs, tmp_path):
    programs("sinfo", SINFO)
    programs("sacctmgr", "echo abc; echo other")
    folder = endpoint()
    readable = "[ $(stat -c %a $(dirname $2)) = 755 ] || exit 9"  # for the service account
    programs("sbatch", f'{readable}; cp "$2" {tmp_path}/tried.sh; echo "$1" >> {tmp_path}/options; echo Job 1 to start now >&2')
    findings = found(doctor._checks_slurm.slurm, folder)
    assert [(one.subject, one.state) for one in findings] == [
        ("partition", "ok"),
        ("partition", "warn"),
        ("account", "ok"),
        ("sbatch", "ok"),
        ("sbatch", "ok"),
    ]
    assert findings[0].met == "gpu: jobs of at most 1-00:00:00; GPUs: gpu:L40:8"
    assert (tmp_path / "options").read_text() == "--test-only\n" * 2
    assert "#SBATCH --partition=long\n" in (tmp_path / "tried.sh").read_text()


def test_a_partition_that_is_not_there_is_told_with_those_there_are(endpoint, programs):
    programs("sinfo", SINFO)
    programs("sacctmgr", "exit 1")
    (finding,) = found(doctor._checks_slurm.slurm, endpoint("slurm", "partitions=gpux"), "partition")
    assert (finding.state, finding.met) == ("FAIL", "there is no partition gpux")
    assert "name one of gpu, long" in finding.todo


@pytest.mark.parametrize(
    ("known", "account", "expected"),
    [
        ("echo abc", "abc", [("account", "ok")]),
        ("echo abc", "xyz", [("account", "FAIL")]),
        ("echo abc", "", [("account", "ok")]),
        ("exit 1", "abc", [("account", "warn")]),
        ("exit 1", "", []),
        ("exit 0", "abc", [("account", "warn")]),
    ],
)
def test_an_account_must_be_one_of_the_user_s(known, account, expected, endpoint, programs):
    programs("sinfo", SINFO)
    programs("sacctmgr", known)
    assert slurm(endpoint("slurm", f"account={account}"), "account") == expected


def test_what_sbatch_would_refuse_is_told_in_its_own_words(endpoint, programs):
    programs("sinfo", SINFO)
    programs("sacctmgr", "exit 1")
    folder = endpoint("slurm", "partitions=gpu")
    programs("sbatch", "echo 'sbatch: error: Invalid qos' >&2; exit 1")
    (finding,) = found(doctor._checks_slurm.slurm, folder, "sbatch")
    assert (finding.state, finding.met) == ("FAIL", "it would refuse a job in gpu: sbatch: error: Invalid qos")


def test_slurm_is_looked_for_where_the_agent_s_processes_will(endpoint, programs):
    folder = endpoint()
    programs("sinfo", SINFO)
    text = (folder / "user_environment.yaml").read_text()
    line = next(line for line in text.splitlines() if line.startswith("PATH"))
    (folder / "user_environment.yaml").write_text(text.replace(line, 'PATH: "/nowhere"'))
    (finding,) = found(doctor._checks_slurm.slurm, folder)
    assert finding.met == "there is no sinfo on the PATH of the agent"


def test_a_cluster_that_does_not_answer_is_told_once(endpoint, programs):
    programs("sinfo", "echo 'Unable to contact slurm controller' >&2; exit 1")
    (finding,) = found(doctor._checks_slurm.slurm, endpoint())
    assert (finding.state, finding.met) == ("FAIL", "sinfo: Unable to contact slurm controller")


def test_a_laptop_has_no_slurm_to_ask(endpoint):
    assert slurm(endpoint("laptop")) == []


# Network.


@pytest.fixture
def port():
    """A port of this machine on which somebody answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: [server.accept()[0].close() for _ in range(5)], daemon=True)
        thread.start()
        yield server.getsockname()[1]


@pytest.fixture
def closed():
    """A port of this machine on which nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def at(monkeypatch, web, queues="localhost"):
    monkeypatch.setattr(_checks_network, "addresses", lambda: (web, queues, web))


def test_who_answers_is_told_and_who_does_not_with_what_to_open(endpoint, monkeypatch, port, closed):
    folder = endpoint()
    at(monkeypatch, f"http://127.0.0.1:{port}")
    assert states(_checks_network.network, folder) == [("network", "ok")]
    at(monkeypatch, f"https://127.0.0.1:{closed}")
    (finding,) = found(_checks_network.network, folder)
    assert (finding.state, finding.met.startswith(f"127.0.0.1:{closed}: ")) == ("FAIL", True)
    assert finding.todo == f"have the firewall let this machine connect outwards to 127.0.0.1:{closed} (HTTPS)"


def test_if_only_the_other_port_of_the_queues_answers_it_says_how_to_use_that(endpoint, monkeypatch, port, closed):
    folder = endpoint()
    at(monkeypatch, f"http://127.0.0.1:{port}", "127.0.0.1")
    monkeypatch.setattr(_checks_network, "PORTS", (closed, port))
    finding = found(_checks_network.network, folder)[-1]
    assert (finding.state, finding.todo) == ("FAIL", f"amqp_port: {port} in config.yaml")
    change(folder / "config.yaml", "public: false", f"public: false\namqp_port: {port}")
    assert states(_checks_network.network, folder)[-1] == ("network", "ok")
    monkeypatch.setattr(_checks_network, "PORTS", (closed,))
    change(folder / "config.yaml", f"amqp_port: {port}", f"amqp_port: {closed}")
    assert found(_checks_network.network, folder)[-1].todo.endswith("(AMQPS)")


def test_the_service_of_the_environment_is_meant(monkeypatch):
    from jitnas_fn.cli.site._globus import addresses

    monkeypatch.delenv("GLOBUS_SDK_ENVIRONMENT", raising=False)
    monkeypatch.delenv("GLOBUS_SDK_SERVICE_URL_AUTH", raising=False)
    assert addresses() == ("https://compute.api.globus.org", "compute.amqps.globus.org", "https://auth.globus.org")
    monkeypatch.setenv("GLOBUS_SDK_ENVIRONMENT", "local")
    monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_AUTH", "http://localhost:5000/")
    assert addresses() == ("http://localhost:5000", "localhost", "http://localhost:5000/")
