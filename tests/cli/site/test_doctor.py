"""`jitnas site doctor`: each thing that may be wrong is told with what to do, and only that."""

import json

import pytest

pytest.importorskip("globus_compute_endpoint")

from jitnas_fn.cli.site import doctor
from jitnas_fn.cli.site._finding import OK, Finding, told
from tests.cli.site.findings import change, found, states


@pytest.fixture
def only(monkeypatch):
    """Only the check of a test is made."""
    return lambda check: monkeypatch.setattr(doctor, "CHECKS", (("subject", check),))


# The whole command.


def test_it_fails_only_if_a_check_does(jitnas, endpoint, only):
    endpoint()
    for state, code in [("ok", 0), ("warn", 0), ("FAIL", 1)]:
        only(lambda endpoint, state=state: iter([Finding("subject", state, "met", "todo")]))
        assert jitnas("site", "doctor")[0] == code
        told = json.loads(jitnas("site", "doctor", "--json")[1])
        assert told == {
            "name": "here",
            "well": code == 0,
            "findings": [{"subject": "subject", "state": state.lower(), "met": "met", "todo": "todo"}],
        }


def test_a_check_that_cannot_go_on_is_a_finding_and_the_others_go_on(jitnas, endpoint):
    folder = endpoint()
    (folder / "site.toml").write_text("?")
    (folder / "config.yaml").write_text("heartbeat_period: [")
    code, out, _ = jitnas("site", "doctor", "--json")
    failed = {one["subject"] for one in json.loads(out)["findings"] if one["state"] == "fail"}
    assert code == 1
    assert {"site", "storage", "configuration", "function", "agent"} <= failed


def test_lines_are_wrapped_and_hostile_text_is_shown_harmlessly():
    text = told([Finding("torch", OK, "a\x1b[2J\nb " + "word " * 60, "")])
    assert text.isprintable() or all(line.isprintable() for line in text.splitlines())
    assert max(map(len, text.splitlines())) <= 128
    assert text.splitlines()[-1] == "1 checks: 0 failed, 0 with a warning"


# The folder.


def test_what_init_writes_is_in_order(endpoint):
    folder = endpoint()
    assert states(doctor._checks_endpoint.folder, folder) == [("folder", "ok")]
    assert states(doctor._checks_endpoint.configuration, folder) == [("configuration", "ok")] * 2


def test_what_is_not_filled_in_is_named(endpoint):
    folder = endpoint()
    change(folder / "user_config_template.yaml.j2", 'partitions = ["gpu", "long"]', 'partitions = ["FILL_IN"]')
    change(folder / "config.yaml", 'display_name: "here"', 'display_name: "BY_INIT"')
    (finding,) = found(doctor._checks_endpoint.folder, folder)
    assert finding.met == "not filled in: partitions in user_config_template.yaml.j2, display_name in config.yaml"


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("user_environment.yaml", 'JITNAS_ROLE: "control"', "", 'has no JITNAS_ROLE: "control"'),
        ("user_environment.yaml", "here/site.toml", "other.toml", "the jobs read "),
        ("user_config_schema.json", '"long"', '"longer"', "lists the partitions gpu, longer"),
    ],
)
def test_files_that_do_not_fit_together_are_told(file, before, after, said, endpoint):
    folder = endpoint()
    change(folder / file, before, after)
    assert said in " ".join(finding.met for finding in found(doctor._checks_endpoint.folder, folder))


def test_a_template_that_the_endpoint_refuses_is_told_for_the_profile_that_it_breaks(endpoint):
    folder = endpoint()
    change(folder / "user_config_template.yaml.j2", "  prefetch_capacity: 0", "  prefetch: 0")
    control, train = found(doctor._checks_endpoint.configuration, folder)
    assert (control.state, train.state) == ("ok", "FAIL")
    assert "prefetch" in train.met


def test_an_engine_in_the_agent_s_configuration_is_told(endpoint):
    folder = endpoint()
    (folder / "config.yaml").write_text("engine: {type: ThreadPoolEngine}\n")
    assert ("configuration", "FAIL") in states(doctor._checks_endpoint.configuration, folder)


# Function, agent and service.


@pytest.mark.parametrize(
    ("allowed", "state"),
    [("[]", "FAIL"), ("null", "FAIL"), ("[{other}]", "FAIL"), ("[{ours}]", "ok"), ("[{ours}, {other}]", "warn")],
)
def test_the_function_alone_may_run(allowed, state, jitnas, endpoint, service):
    folder = endpoint()
    ours = json.loads(jitnas("site", "register", "--json")[1])["function_id"]
    stated = allowed.format(ours=ours, other="99999999-0000-4000-8000-000000000000")
    change(folder / "config.yaml", f'["{ours}"]', stated)
    assert states(doctor._checks_endpoint.registration, folder) == [("function", state)]


def test_an_agent_that_does_not_run_is_not_looked_for_at_the_service(endpoint):
    (finding,) = found(doctor._checks_endpoint.presence, endpoint())
    assert (finding.subject, finding.state) == ("agent", "FAIL")
    assert "globus-compute-endpoint start here" in finding.todo


@pytest.mark.parametrize(("state", "expected"), [("online", "ok"), ("offline", "FAIL"), (None, "warn")])
def test_the_service_sees_the_endpoint_or_not(state, expected, endpoint, service, alive):
    folder = endpoint()
    alive(folder)
    (folder / "endpoint.json").write_text('{"endpoint_id": "11111111-1111-4111-8111-111111111111"}')
    service.state, service.failure = state, None if state else ConnectionError("away")
    assert states(doctor._checks_endpoint.presence, folder) == [("agent", "ok"), ("service", expected)]
