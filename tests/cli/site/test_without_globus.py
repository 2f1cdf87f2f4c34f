"""On a machine without Globus Compute: what to install, in one line, and nothing heavy before that."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jitnas_fn.cli.site import _globus
from jitnas_fn.core.errors import SiteUnavailable

ROOT = Path(__file__).parents[3]
HEAVY = {"torch", "numpy", "yaml", "jinja2", "parsl", "globus_compute_sdk", "globus_compute_endpoint", "pwd"}


@pytest.fixture
def missing(monkeypatch):
    """An environment that lacks both packages."""
    for name in list(sys.modules):
        if name.split(".")[0] in ("globus_compute_endpoint", "globus_compute_sdk"):
            monkeypatch.delitem(sys.modules, name)
    for name in ("globus_compute_endpoint", "globus_compute_sdk"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize("command", ["register", "doctor"])
def test_what_needs_an_endpoint_says_what_to_install(command, jitnas, endpoint, missing):
    endpoint()
    code, out, err = jitnas("site", command)
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert "globus-compute-" in err
    assert "pip install 'jitnas_fn[" in err


def test_status_tells_all_but_what_the_service_would_say(jitnas, endpoint, missing):
    folder = endpoint()
    (folder / "endpoint.json").write_text(json.dumps({"endpoint_id": "11111111-1111-4111-8111-111111111111"}))
    code, out, _ = jitnas("site", "status", "--json")
    assert code == 0
    assert "pip install 'jitnas_fn[" in json.loads(out)["service"]["reason"]


def test_the_two_packages_have_their_own_words(missing):
    with pytest.raises(SiteUnavailable, match=r"globus-compute-endpoint is missing .*pip install 'jitnas_fn\[endpoint\]'"):
        _globus.needed()
    with pytest.raises(SiteUnavailable, match=r"globus-compute-sdk is missing .*pip install 'jitnas_fn\[globus\]'"):
        _globus.log_in(anew=False)


def test_the_list_of_commands_and_init_load_nothing_heavy(tmp_path):
    code = f"""
import sys
from jitnas_fn.cli.app import run
assert run(["site", "--help"]) == 0
assert run(["site", "init", "laptop", "--json"]) == 0
print(sorted(set(sys.modules) & {HEAVY!r}))
"""
    environment = {**os.environ, "GLOBUS_COMPUTE_USER_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    out = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True, timeout=60, cwd=tmp_path)
    assert out.splitlines()[-1] in ("[]", "['pwd']")  # getpass and pathlib look into it


class App:
    """Stands for a login."""

    def __init__(self, *, required, failure=None):
        self.required, self.failure, self.logins = required, failure, []

    def login_required(self):
        return self.required

    def login(self, *, force):
        self.logins.append(force)
        if self.failure:
            raise self.failure


@pytest.fixture
def login(monkeypatch):
    """Stand for the login of the endpoint's package."""

    def put(app):
        module = type("auth", (), {"get_globus_app_with_scopes": staticmethod(lambda: app)})
        monkeypatch.setattr(_globus, "of_endpoint", lambda name: module)
        return app

    return put


def test_a_login_is_asked_for_once_and_again_on_request(jitnas, login):
    app = login(App(required=True))
    assert jitnas("site", "login") == (0, "logged in\n", "")
    app.required = False
    assert jitnas("site", "login") == (0, "logged in already\n", "")
    assert json.loads(jitnas("site", "login", "--force", "--json")[1]) == {"new": True, "service": "production"}
    assert app.logins == [False, True]


@pytest.mark.parametrize(
    ("failure", "said"),
    [(EOFError(), "run jitnas site login in a terminal"), (RuntimeError("denied"), "the login failed (RuntimeError: denied)")],
)
def test_a_login_that_fails_says_why(failure, said, jitnas, login):
    login(App(required=True, failure=failure))
    code, _, err = jitnas("site", "login")
    assert code == 1
    assert said in err


def test_where_nobody_may_be_asked_whoever_is_not_logged_in_is_told(login, monkeypatch):
    monkeypatch.delenv("GLOBUS_COMPUTE_CLIENT_SECRET", raising=False)
    monkeypatch.setattr(_globus, "_imported", lambda name: None)
    login(App(required=True))
    with pytest.raises(SiteUnavailable, match="nobody is logged in: jitnas site login"):
        _globus.service(may_ask=False)
