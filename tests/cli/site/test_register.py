"""`jitnas site register`: one function, registered once, and the only one that may run."""

import json

import pytest

pytest.importorskip("globus_compute_endpoint")

from globus_compute_endpoint.endpoint.config.utils import get_config

FIRST, SECOND = (f"0000000{number}-0000-4000-8000-000000000000" for number in (1, 2))
OTHER = "99999999-0000-4000-8000-000000000000"


def allowed(folder):
    return get_config(folder).allowed_functions


def test_the_function_is_registered_and_nothing_else_may_run(jitnas, endpoint, service):
    folder = endpoint()
    code, out, err = jitnas("site", "register", "here")
    assert (code, err, allowed(folder)) == (0, "", (FIRST,))
    assert out.splitlines() == [
        f"function {FIRST} (registered; only you may call it)",
        "the endpoint gets its id at its first start: globus-compute-endpoint start here",
    ]
    (registered,) = service.registered
    assert (registered["name"], registered["public"]) == ("run_task", False)
    scope = {}
    exec(registered["source"], scope)
    assert json.loads(scope["run_task"]('{"protocol": 1, "verb": "ping", "error": null}'))["error"] is None


def test_nothing_is_registered_twice(jitnas, endpoint, service):
    folder = endpoint()
    first, second = (json.loads(jitnas("site", "register", "--json")[1]) for _ in range(2))
    assert (first["function_id"], first["new"]) == (FIRST, True)
    assert (second["function_id"], second["new"], second["restart"]) == (FIRST, False, False)
    assert len(service.registered) == 1
    assert allowed(folder) == (FIRST,)


def test_a_configuration_that_lost_the_id_gets_it_back(jitnas, endpoint, service):
    folder = endpoint()
    jitnas("site", "register")
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace(FIRST, OTHER))
    assert jitnas("site", "register")[0] == 0
    assert (allowed(folder), len(service.registered)) == ((OTHER, FIRST), 1)


def test_comments_and_all_else_in_the_configuration_stay(jitnas, endpoint, service):
    folder = endpoint()
    before = (folder / "config.yaml").read_text().splitlines()
    jitnas("site", "register")
    after = (folder / "config.yaml").read_text().splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [("allowed_functions: []", f'allowed_functions: ["{FIRST}"]')]


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        (f"allowed_functions:\n  - {OTHER}  # ours too\n  # and one more\n  - {SECOND}\n", (OTHER, SECOND)),
        (f"allowed_functions: [{OTHER}]", (OTHER,)),
        (f"allowed_functions:\n- {OTHER}\n", (OTHER,)),
        ("allowed_functions: null", ()),
        ("", ()),
    ],
)
def test_other_functions_that_are_allowed_stay_allowed(stated, kept, jitnas, endpoint, service):
    folder = endpoint()
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("allowed_functions: []\n", f"{stated}\ndebug: true\n"))
    assert jitnas("site", "register")[0] == 0
    assert allowed(folder) == (*kept, FIRST)
    assert get_config(folder).debug is True


def test_a_configuration_that_cannot_be_changed_in_place_is_left_alone(jitnas, endpoint, service):
    folder = endpoint()
    config = folder / "config.yaml"
    text = config.read_text().replace("allowed_functions: []", f"allowed_functions: [\n  {OTHER},\n]")
    config.write_text(text)
    code, _, err = jitnas("site", "register")
    assert code == 2
    assert f'write allowed_functions: ["{OTHER}", "{FIRST}"] there yourself' in err or "parser refuses" in err
    assert config.read_text() == text


@pytest.mark.parametrize("what", ["--again", "source", "service"])
def test_what_is_not_the_same_is_registered_anew_and_takes_the_old_one_s_place(what, jitnas, endpoint, service, monkeypatch):
    folder = endpoint()
    jitnas("site", "register")
    if what == "source":
        monkeypatch.setattr("jitnas_fn.cli.site.register.source", lambda: "def run_task(text): ...")
    if what == "service":
        monkeypatch.setenv("GLOBUS_SDK_ENVIRONMENT", "sandbox")
    words = ["--again"] if what == "--again" else []
    assert json.loads(jitnas("site", "register", "--json", *words)[1])["function_id"] == SECOND
    assert allowed(folder) == (SECOND,)


def test_an_agent_that_runs_is_to_be_restarted_once(jitnas, endpoint, service, alive):
    folder = endpoint()
    alive(folder)
    (folder / "endpoint.json").write_text(json.dumps({"endpoint_id": OTHER}))
    out = jitnas("site", "register")[1]
    assert out.splitlines()[1:] == [
        f"endpoint {OTHER}",
        "the agent does not know it yet: globus-compute-endpoint restart here",
    ]
    assert "restart" not in jitnas("site", "register")[1]


def test_of_a_shared_endpoint_others_may_call_the_function(jitnas, endpoints, programs, service, tmp_path):
    words = ["email=a@example.org", "organisation=example.org", "service_account=x", "partitions=gpu", f"folder={tmp_path}/s"]
    stated = [part for word in [*words, f"site_file={tmp_path}/site.toml"] for part in ("--set", word)]
    assert jitnas("site", "init", "shared", *stated)[0] == 0
    out = jitnas("site", "register")[1]
    assert "whoever the endpoint serves may call it" in out
    assert service.registered[0]["public"] is True
    assert allowed(endpoints / "jitnas") == (FIRST,)


def test_a_service_that_refuses_changes_nothing(jitnas, endpoint, service):
    folder = endpoint()
    service.failure = RuntimeError("429 Too Many Requests")
    code, _, err = jitnas("site", "register")
    assert code == 1
    assert "the Globus Compute service answers RuntimeError: 429 Too Many Requests" in err
    assert not (folder / "function.json").exists()
    assert allowed(folder) == ()


@pytest.mark.parametrize("text", ["{", "[]", '{"function_id": null}', "\xff"])
def test_a_note_that_is_damaged_is_written_anew(text, jitnas, endpoint, service):
    folder = endpoint()
    (folder / "function.json").write_bytes(text.encode("latin-1"))
    assert json.loads(jitnas("site", "register", "--json")[1])["function_id"] == FIRST
    assert json.loads((folder / "function.json").read_text())["function_id"] == FIRST


def test_which_endpoint_is_meant_must_be_clear(jitnas, endpoint, endpoints, service):
    assert "there is none; jitnas site init makes one" in " ".join(jitnas("site", "register")[2].split())
    endpoint(name="one")
    endpoint(name="two")
    code, _, err = jitnas("site", "register")
    assert code == 2
    assert "there are one, two" in " ".join(err.split())
    for name in ("three", "../one", "."):
        assert jitnas("site", "register", name)[0] == 2
    assert service.registered == []
