"""`jitnas site doctor` on the site file, its storage, and an endpoint that others share."""

import json
import os
import pwd
import sys
from types import SimpleNamespace

import pytest

pytest.importorskip("globus_compute_endpoint")

from jitnas_fn.cli.site import _checks_site, _checks_slurm, _endpoint
from jitnas_fn.cli.site._finding import OK
from tests.cli.site.findings import change, found


def wrong(check, folder):
    return [finding for finding in found(check, folder) if finding.state != OK]


def test_a_site_file_of_init_is_well(endpoint):
    (finding,) = found(_checks_site.site_file, endpoint())
    assert (finding.state, finding.met.split(":")[0]) == (OK, "'here' accepts graph, on cpu")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('accepts = ["graph"]', 'accepts = ["graph", "cloudpickle"]', "whoever may use the endpoint runs any code here"),
        ("[blocks]\nscheduler", "[blocks]\n# scheduler", None),
        ("[blocks]", "[other]", "no field other"),
        ("folder = ", "# folder = ", "folder or store is missing"),
        ("threads = 1", "threads = 0", "threads is a whole number"),
        ("threads = 1", "threads =", "cannot be read"),
    ],
)
def test_what_a_site_file_should_not_say_is_told(before, after, said, endpoint):
    folder = endpoint()
    change(folder / "site.toml", before, after)
    findings = wrong(_checks_site.site_file, folder)
    assert len(findings) == (said is not None)
    assert all(said in finding.met for finding in findings)


def test_a_site_whose_jobs_nobody_asks_after_is_told(endpoint):
    folder = endpoint()
    text = (folder / "site.toml").read_text()
    (folder / "site.toml").write_text(text.partition("[blocks]")[0])
    (finding,) = wrong(_checks_site.site_file, folder)
    assert 'scheduler = "slurm" under [blocks]' in finding.todo


def test_folder_and_store_are_tried_once_where_one_lies_in_the_other(endpoint, tmp_path):
    assert [finding.met.split(",")[0] for finding in found(_checks_site.kept, endpoint()) if finding.subject == "storage"] == [
        f"{tmp_path}/site"
    ]
    other = endpoint("slurm", f"store={tmp_path}/elsewhere", name="other")
    storage = [finding.met.split(",")[0] for finding in found(_checks_site.kept, other) if finding.subject == "storage"]
    assert storage == [f"{tmp_path}/site", f"{tmp_path}/elsewhere"]


# Shared.


@pytest.fixture
def account(monkeypatch):
    """The account under which others work."""
    person = pwd.getpwuid(65534)
    known = {person.pw_name: SimpleNamespace(pw_uid=65534, pw_gid=65534), "root": SimpleNamespace(pw_uid=0, pw_gid=0)}
    monkeypatch.setattr(pwd, "getpwnam", lambda name: known[name])
    return person.pw_name


@pytest.fixture
def shared(endpoints, programs, jitnas, tmp_path):
    """Have `init` write an endpoint that others share."""

    def made(account):
        words = ["email=a@example.org", "organisation=example.org", f"service_account={account}", "partitions=gpu"]
        words += [f"folder={tmp_path}/site", f"site_file={tmp_path}/etc/site.toml", f"agent_python={tmp_path}/py/python"]
        (tmp_path / "py").mkdir(exist_ok=True)
        (tmp_path / "py" / "python").touch()
        stated = [part for word in words for part in ("--set", word)]
        assert jitnas("site", "init", "shared", *stated)[0] == 0
        return endpoints / "jitnas"

    return made


@pytest.fixture
def opened(tmp_path):
    """All folders above the test's own may be entered, as on a machine where others may read what is theirs to read."""
    before = {place: place.stat().st_mode for place in (tmp_path, *tmp_path.parents) if place.owner() != "nobody"}
    changed = [place for place, mode in before.items() if not mode & 0o001 and os.access(place, os.W_OK)]
    for place in changed:
        place.chmod(before[place] | 0o055)
    yield
    for place in changed:
        place.chmod(before[place])


def test_only_a_shared_endpoint_is_looked_at_for_sharing(endpoint):
    assert found(_checks_site.sharing, endpoint()) == []


@pytest.mark.usefixtures("opened")
def test_a_shared_endpoint_of_init_is_well(shared, account):
    findings = found(_checks_site.sharing, shared(account))
    assert [(finding.state, finding.met) for finding in findings] == [(OK, f"others work as {account}")]


@pytest.mark.usefixtures("opened")
def test_what_the_account_cannot_read_is_told(shared, account, tmp_path):
    folder = shared(account)
    (tmp_path / "etc").chmod(0o700)
    (tmp_path / "py" / "python").chmod(0o700)
    first, second = wrong(_checks_site.sharing, folder)
    assert first.met == f"{account} cannot read {tmp_path}/etc/site.toml, since {tmp_path}/etc is not open to others"
    assert second.met.endswith(f"since {tmp_path}/py/python is not open to others")


@pytest.mark.usefixtures("opened")
def test_a_site_file_that_the_account_may_change_is_told(shared, account, tmp_path):
    folder = shared(account)
    (tmp_path / "etc" / "site.toml").chmod(0o666)
    (finding,) = wrong(_checks_site.sharing, folder)
    assert finding.met == f"{account} may change {tmp_path}/etc/site.toml"


@pytest.mark.usefixtures("opened")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_site_file_that_the_account_owns_is_told(shared, account, tmp_path):
    folder = shared(account)
    os.chown(tmp_path / "etc" / "site.toml", 65534, 0)
    (finding,) = wrong(_checks_site.sharing, folder)
    assert finding.todo == f"chown root {tmp_path}/etc/site.toml; chmod 644 {tmp_path}/etc/site.toml"


def test_whoever_is_not_root_tries_storage_as_they_are(shared, account, programs, tmp_path, monkeypatch):
    folder = shared(account)
    programs("runuser", "exit 9")
    monkeypatch.setattr(_endpoint.os, "geteuid", lambda: 1000)
    assert [finding.state for finding in found(_checks_site.kept, folder) if finding.subject == "storage"] == [OK]


@pytest.mark.usefixtures("opened", "account")
def test_an_account_that_is_root_or_nobody_s_is_told(shared, tmp_path):
    folder = shared("root")
    assert "identities are mapped to root" in [finding.met for finding in wrong(_checks_site.sharing, folder)]
    change(folder / "identity_mapping_config.json", '"root"', '"missing"')
    (finding,) = wrong(_checks_site.sharing, folder)
    assert finding.met == "there is no account 'missing'"
    change(folder / "identity_mapping_config.json", '"missing"', '"{0}"')
    assert "there is no account '{0}'" in [finding.met for finding in wrong(_checks_site.sharing, folder)]


def test_cloudpickle_at_a_shared_endpoint_is_wrong_and_not_doubtful(shared, account, tmp_path):
    folder = shared(account)
    change(tmp_path / "etc" / "site.toml", 'accepts = ["graph"]', 'accepts = ["cloudpickle"]')
    assert [finding.state for finding in wrong(_checks_site.site_file, folder)] == ["FAIL"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another account")
def test_storage_is_tried_by_the_account_that_will_write_there(shared, account, programs, tmp_path):
    folder = shared(account)
    asked = tmp_path / "asked"
    programs("runuser", f'echo "$@" > {asked}\nshift 4\nexec {sys.executable} "$@"')
    assert [finding.subject for finding in found(_checks_site.kept, folder) if finding.state == OK] == ["storage"]
    assert asked.read_text().startswith(f"-u {account} -- {tmp_path}/py/python -m jitnas_fn.cli.site._storage {tmp_path}/site")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another account")
def test_an_account_that_cannot_run_the_interpreter_is_told(shared, account, programs, tmp_path):
    folder = shared(account)
    programs("runuser", "echo runuser: Permission denied >&2; exit 126")
    (finding,) = found(_checks_site.kept, folder)
    assert finding.met == f"{account} cannot run {tmp_path}/py/python: runuser: Permission denied"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another account")
def test_slurm_is_asked_as_the_account_that_will_ask_for_jobs(shared, account, programs, tmp_path):
    programs("sbatch", f"echo {account} >> {tmp_path}/asked")
    folder = shared(account)
    programs("runuser", f'[ "$2" = {account} ] || exit 9\nshift 3\nexec env PATH={tmp_path}/programs:/usr/bin:/bin "$@"')
    programs("sinfo", "echo 'gpu|up|1:00:00|gpu:1'")
    programs("sacctmgr", f'[ "$5" = user={account} ] && echo theirs')
    findings = found(_checks_slurm.slurm, folder)
    assert [(finding.subject, finding.state) for finding in findings] == [("partition", OK), ("account", OK), ("sbatch", OK)]
    assert findings[1].met == "left to Slurm, which knows theirs"
    assert (tmp_path / "asked").read_text() == f"{account}\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another account")
def test_without_runuser_it_says_what_is_missing(shared, account, monkeypatch):
    folder = shared(account)
    monkeypatch.setattr(_endpoint.shutil, "which", lambda name, path: None)
    for check in (_checks_site.kept, _checks_slurm.slurm):
        (finding,) = found(check, folder)
        assert finding.met == f"nothing can be tried as {account}: there is no runuser, which util-linux has"


def test_status_tells_of_what_was_started_for_others(shared, account, service, alive, jitnas, tmp_path):
    folder, home = shared(account), tmp_path / "their home"
    with (folder / "user_environment.yaml").open("a") as environment:
        environment.write(f'HOME: "{home}"\n')
    (folder / "endpoint.json").write_text('{"endpoint_id": "abcdef12-0000-4000-8000-000000000000"}')
    alive(home / ".globus_compute" / "uep.abcdef12.1")
    started = json.loads(jitnas("site", "status", "--json")[1])["started"]
    assert [(one["name"], one["profile"]) for one in started] == [("uep.abcdef12.1", "control")]
