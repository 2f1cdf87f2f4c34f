"""`jitnas site init`: a folder that needs nothing more, or nothing at all."""

import json
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from jitnas_fn.cli.site import _known, _writing
from jitnas_fn.cli.site import init as module

SLURM = ["--set", "partitions=gpu", "--set", "folder=/scratch/site"]


def text(folder):
    return (folder / "user_config_template.yaml.j2").read_text()


def test_a_laptop_needs_nothing_stated(jitnas, endpoints, programs, own_home):
    code, out, _ = jitnas("site", "init", "laptop", "--json")
    told = json.loads(out)
    folder = endpoints / "jitnas"
    assert (code, told["folder"], told["profile"]) == (0, str(folder), "laptop")
    assert sorted(told["files"]) == sorted(path.name for path in folder.iterdir())
    site = tomllib.loads((folder / "site.toml").read_text())
    assert (site["name"], site["folder"]) == ("jitnas", str(own_home / "sites" / "jitnas"))
    assert site["store"] == site["folder"] + "/store"


def test_it_says_what_comes_next(jitnas, endpoints, programs):
    code, out, _ = jitnas("site", "init", "slurm", "--name", "cluster", *SLURM)
    unit = endpoints / "cluster" / "jitnas-endpoint-cluster.service"
    lines = out.splitlines()
    assert (code, lines[0].split(" (")[0]) == (0, f"wrote {endpoints}/cluster")
    assert "  jitnas site register cluster" in lines
    assert f"  systemctl --user enable --now {unit}" in lines
    assert "  jitnas site doctor cluster" in lines
    assert unit.is_file()


def test_what_is_there_is_not_overwritten(jitnas, endpoints, programs):
    assert jitnas("site", "init", "laptop")[0] == 0
    (endpoints / "jitnas" / "site.toml").write_text("mine")
    code, _, err = jitnas("site", "init", "laptop")
    assert code == 1
    assert f"{endpoints}/jitnas is there already" in err
    assert (endpoints / "jitnas" / "site.toml").read_text() == "mine"


def test_without_a_terminal_it_says_all_that_is_missing(jitnas, endpoints, programs):
    code, _, err = jitnas("site", "init", "slurm")
    told = " ".join(err.split())
    assert code == 2
    assert "profile slurm needs --set partitions=… (words with commas between); --set folder=… (the path of a folder)" in told
    assert not endpoints.exists()


def test_on_a_terminal_it_asks_until_the_answer_is_one(jitnas, endpoints, programs, monkeypatch):
    answers = iter(["two words", "gpu, long", "rel/site"])
    asked = []
    monkeypatch.setattr(module.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(module.typer, "prompt", lambda question, *, err: asked.append(question) or next(answers))
    code, _, err = jitnas("site", "init", "slurm")
    assert code == 0
    assert asked == ["Partitions with GPUs, the usual one first"] * 2 + ["Folder on storage that all nodes see"]
    assert "partitions is words with commas between, not 'two words'" in " ".join(err.split())
    assert '{% set partitions = ["gpu", "long"] %}' in text(endpoints / "jitnas")
    site = tomllib.loads((endpoints / "jitnas" / "site.toml").read_text())
    assert site["folder"] == str(Path.cwd() / "rel/site")


def test_a_question_that_is_closed_writes_nothing(jitnas, endpoints, programs, monkeypatch):
    def closed(question, *, err):
        raise module.typer.Abort

    monkeypatch.setattr(module.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(module.typer, "prompt", closed)
    assert jitnas("site", "init", "slurm")[0] == 1
    assert not endpoints.exists()


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("gpus", "--set takes FIELD=VALUE"),
        ("shell=rm", "profile slurm has no field 'shell'; it has "),
        ("organisation=example.org", "profile slurm has no field 'organisation'"),
        ("path=/evil", "profile slurm has no field 'path'"),
        ("allowed_functions=[]", "profile slurm has no field 'allowed_functions'"),
        ("gpus=many", "gpus is a whole number from 0 to 10,000"),
        ("gpus=-1", "gpus is"),
        ("gpus=99999999999999999999999999", "gpus is"),
        ("gpus=١", "gpus is"),
        ("most_blocks=0", "most_blocks is a whole number from 1"),
        ("heartbeat_period=1", "heartbeat_period is a whole number from 5"),
        ("gpu_request=gpu", "gpu_request is one of gres, gpus-per-node"),
        ("whole_nodes=yes", "whole_nodes is true or false"),
        ("device=tpu", "device is one of auto, cpu, cuda"),
        ("longest_walltime=1:00:00", "longest_walltime is HH:MM:SS"),
        ("longest_walltime=00:01:00", "longest_walltime is HH:MM:SS"),
        ("longest_walltime=100:00:00", "longest_walltime is HH:MM:SS"),
        ("account=a b", "account is one word"),
        ('account=a"%}', "account is one word"),
        ("account=a\n#SBATCH --uid=0", "account is one word"),
        ("partitions=", "partitions is words"),
        ("partitions=a;b", "partitions is words"),
        ("python=/a path/python", "python is the path of an interpreter, of letters"),
        ("python=/bin/python;id", "python is"),
        ("site_file=/x/$HOME/site.toml", "site_file is"),
        ("environment=a\nb", "environment is lines of shell"),
        ("folder=", "folder is the path of a folder"),
        ("folder=/a\nb", "folder is"),
        ("name=", "name is a printable text"),
        ("name=a\x1b[2J", "name is"),
    ],
)
def test_what_a_site_cannot_state_is_refused_and_nothing_is_written(word, said, jitnas, endpoints, programs):
    code, _, err = jitnas("site", "init", "slurm", *SLURM, "--set", word)
    assert code == 2
    assert said in " ".join(err.split())
    assert not endpoints.exists()


BAD_NAMES = ["", ".", "..", "a/b", "a b", "uep.x", "uepx", "-x", "x" * 41, "11111111-1111-4111-8111-111111111111"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_an_endpoint_cannot_have_is_refused(name, jitnas, endpoints, programs):
    code, _, err = jitnas("site", "init", "laptop", f"--name={name}")
    assert code == 2
    assert "the name of an endpoint is letters, digits, _ and -" in " ".join(err.split())
    assert not endpoints.exists()


def test_an_unknown_profile_is_refused_with_those_there_are(jitnas, endpoints):
    code, _, err = jitnas("site", "init", "../slurm")
    assert code == 2
    assert "no profile '../slurm'; there are bede, comet, laptop, shared, slurm" in " ".join(err.split())


@pytest.mark.parametrize("value", ['quote " in it', "back \\ slash", "{% endraw %}", "{{ 7 * 7 }}", "ä ö 漢", "#tag"])
def test_any_text_is_stated_as_it_is(value, jitnas, endpoints, programs):
    line = f"export A='{value}'"
    assert jitnas("site", "init", "slurm", *SLURM, "--set", f"environment={line}", "--set", f"name={value}")[0] == 0
    pytest.importorskip("globus_compute_endpoint")
    from jitnas_fn.cli.site._rendering import rendered

    assert f"      {line}\n" in rendered(endpoints / "jitnas", {"profile": "train"})
    assert tomllib.loads((endpoints / "jitnas" / "site.toml").read_text())["name"] == value


def test_only_values_are_replaced_and_comments_stay(jitnas, endpoints, programs):
    from jitnas_fn.cli.site._profiles import folder

    assert jitnas("site", "init", "slurm", *SLURM)[0] == 0
    for file in ("user_config_template.yaml.j2", "site.toml", "user_environment.yaml", "config.yaml"):
        before, after = ((place / file).read_text().splitlines() for place in (folder() / "slurm", endpoints / "jitnas"))
        changed = [line for line, old in zip(after, before, strict=True) if line != old]
        assert 1 <= len(changed) <= 4
        assert not any(line.lstrip().startswith("#") for line in changed)


def test_the_endpoint_s_folder_is_its_owner_s_alone(jitnas, endpoints, programs):
    assert jitnas("site", "init", "bede", "--set", "account=a", "--set", "python=/p/python")[0] == 0
    folder = endpoints / "jitnas"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "bin" / "sbatch").stat().st_mode) == 0o755
    assert stat.S_IMODE((folder / "config.yaml").stat().st_mode) == 0o644


def test_a_disk_that_fails_leaves_nothing_behind(jitnas, endpoints, programs, tmp_path, monkeypatch):
    words = ["email=a@example.org", "organisation=example.org", "service_account=x", "partitions=gpu", "folder=/s"]
    stated = [part for word in [*words, f"site_file={tmp_path}/etc/site.toml"] for part in ("--set", word)]
    monkeypatch.setattr(_writing.Path, "rename", lambda *_: (_ for _ in ()).throw(OSError("no space")))
    code, _, err = jitnas("site", "init", "shared", *stated)
    assert code == 1
    assert "cannot be written (no space): nothing was changed" in err
    assert not (tmp_path / "etc" / "site.toml").exists()
    assert list(endpoints.iterdir()) == []


def test_a_site_file_that_is_there_is_not_overwritten(jitnas, endpoints, programs, tmp_path):
    (tmp_path / "site.toml").write_text("mine")
    code, _, err = jitnas("site", "init", "laptop", "--set", f"site_file={tmp_path}/site.toml")
    assert code == 1
    assert "nothing was changed" in err
    assert (tmp_path / "site.toml").read_text() == "mine"
    assert not (endpoints / "jitnas").exists()


def test_a_folder_that_shell_would_break_is_refused(jitnas, tmp_path, monkeypatch, programs):
    monkeypatch.setenv("GLOBUS_COMPUTE_USER_DIR", str(tmp_path / "with space"))
    code, _, err = jitnas("site", "init", "laptop")
    assert code == 1
    assert "name another folder in GLOBUS_COMPUTE_USER_DIR" in err


def test_an_interpreter_that_shell_would_break_is_refused(jitnas, endpoints, programs, monkeypatch):
    monkeypatch.setattr(_known.sys, "executable", "/my files/python")
    code, _, err = jitnas("site", "init", "laptop")
    assert code == 1
    assert "/my files/python goes into commands of shell as it is" in err


def test_the_path_is_short_and_has_the_agent_and_the_scheduler(jitnas, endpoints, programs, tmp_path, monkeypatch):
    programs("sbatch", "exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}/nowhere:relative:{tmp_path}/programs:/usr/bin:/bin")
    assert jitnas("site", "init", "slurm", *SLURM)[0] == 0
    line = (endpoints / "jitnas" / "user_environment.yaml").read_text().splitlines()[-1]
    places = [str(Path(sys.executable).parent), f"{tmp_path}/programs", "/usr/local/bin", "/usr/bin", "/bin"]
    assert line == f'PATH: "{":".join(places)}"'


def test_the_cluster_that_the_environment_names_is_kept(jitnas, endpoints, programs, monkeypatch):
    monkeypatch.setenv("SLURM_CONF", "/opt/slurm/slurm.conf")
    assert jitnas("site", "init", "slurm", *SLURM)[0] == 0
    folder = endpoints / "jitnas"
    assert 'SLURM_CONF: "/opt/slurm/slurm.conf"\n' in (folder / "user_environment.yaml").read_text()
    assert "Environment=SLURM_CONF=/opt/slurm/slurm.conf\n" in (folder / "jitnas-endpoint-jitnas.service").read_text()


def test_the_unit_starts_the_agent_beside_the_interpreter_and_again(jitnas, endpoints, programs):
    assert jitnas("site", "init", "laptop")[0] == 0
    unit = (endpoints / "jitnas" / "jitnas-endpoint-jitnas.service").read_text()
    assert f"ExecStart={Path(sys.executable).parent}/globus-compute-endpoint start jitnas\n" in unit
    assert f"Environment=GLOBUS_COMPUTE_USER_DIR={endpoints}\n" in unit
    assert {"Restart=always", "StartLimitIntervalSec=0", "WantedBy=default.target"} <= set(unit.splitlines())


@pytest.mark.parametrize("lives", [True, False])
def test_the_cron_line_starts_the_agent_only_where_none_lives(lives, jitnas, endpoints, tmp_path, programs, alive):
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "globus-compute-endpoint").write_text(f'#!/bin/sh\necho "$@" "$GLOBUS_COMPUTE_USER_DIR" > {tmp_path}/started\n')
    (folder / "globus-compute-endpoint").chmod(0o755)
    told = json.loads(jitnas("site", "init", "laptop", "--json", "--set", f"python={folder}/python")[1])
    if lives:
        alive(endpoints / "jitnas")
    schedule, command = told["cron"][:11], told["cron"][12:]
    assert (schedule, "%" in command) == ("*/5 * * * *", False)  # cron takes % for the end of the line
    done = subprocess.run(["/bin/sh", "-c", command], env={"PATH": "/usr/bin:/bin"}, timeout=20, check=True)
    assert done.returncode == 0
    assert (tmp_path / "started").exists() != lives
    if not lives:
        assert (tmp_path / "started").read_text() == f"start jitnas {endpoints}\n"


def test_a_shared_endpoint_is_the_system_s_and_its_site_file_lies_where_others_may_read(
    jitnas, endpoints, programs, tmp_path, monkeypatch
):
    monkeypatch.setattr(_known, "ADMINISTRATORS", tmp_path / "etc")
    words = ["email=a@example.org", "organisation=example.org", "service_account=x", "partitions=gpu", "folder=/s"]
    stated = [part for word in words for part in ("--set", word)]
    told = json.loads(jitnas("site", "init", "shared", "--json", *stated)[1])
    assert told["site_file"] == f"{tmp_path}/etc/jitnas.toml"
    assert stat.S_IMODE((tmp_path / "etc" / "jitnas.toml").stat().st_mode) == 0o644
    assert told["next"][-1] == f"systemctl enable --now {endpoints}/jitnas/jitnas-endpoint-jitnas.service"
    assert "WantedBy=multi-user.target" in (endpoints / "jitnas" / "jitnas-endpoint-jitnas.service").read_text()
