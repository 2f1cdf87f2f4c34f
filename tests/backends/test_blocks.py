"""The `[blocks]` of a site file: what they may say, and how it is spelled for Slurm."""

import re
import shlex
from pathlib import Path

import pytest

from jitnas_fn.backends._blocks import Blocks, blocks_in
from jitnas_fn.backends.parsl import _launching, parsl
from jitnas_fn.core.errors import SiteFileError
from jitnas_fn.worker.site import read

POOL = "jitnas_fn.worker.pool"
README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def written(tmp_path, text):
    path = tmp_path / "site.toml"
    path.write_text(text)
    return path


def test_the_readmes_site_file_is_one(tmp_path):
    (text,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    text = text.replace("/nobackup/proj/mine/jitnas/worker", str(tmp_path / "worker"))
    path = written(tmp_path, text.replace("/nobackup/proj/mine/jitnas/store", str(tmp_path / "store")))
    blocks, site = blocks_in(path), read(path)
    assert (blocks.account, blocks.gpu_words, blocks.walltime_seconds, blocks.most) == ("comet_mine", "gpu:L40:1", 28_800, 8)
    assert (site.name, site.accepts, site.slurm) == ("comet", ("graph",), True)


@pytest.mark.parametrize(
    ("given", "words", "workers"),
    [
        ({}, "gpu:1", 1),
        ({"gpus": 4, "whole_nodes": True}, "gpu:4", 4),
        ({"gpus": 2, "gpu_type": "a100", "gpu_request": "gpus-per-node"}, "a100:2", 1),
        ({"gpus": 0}, None, 1),
        ({"gpus": 0, "whole_nodes": True}, None, 1),
    ],
)
def test_gpus_are_asked_for_as_the_cluster_wants_it(given, words, workers):
    blocks = Blocks(**given)
    assert (blocks.gpu_words, blocks.workers) == (words, workers)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('partition = "gpu\\n#SBATCH --uid=0"', "partition of .blocks. is one word"),
        ('account = "a b"', "account of .blocks. is one word"),
        ("gpus = -1", "gpus of .blocks. is a whole number from 0 to 10,000"),
        ("gpus = true", "gpus of .blocks. is a whole number from 0 to 10,000"),
        ('walltime = "8 hours"', "walltime of .blocks. is HH:MM:SS"),
        ("walltime = 08:00:00", "walltime of .blocks. is HH:MM:SS"),
        ('walltime = "00:00:30"', "at least a minute"),
        ('environment = "module load x"', "environment of .blocks. is a list of lines of shell"),
        ('environment = ["a\\nb"]', "environment of .blocks. is a list of lines of shell"),
        ('scheduler = "pbs"', "one of slurm, local"),
        ('gpu_request = "gpus"', "one of gres, gpus-per-node"),
        ("idle_seconds = inf", "a number above 0"),
        ("most = 0", "most of .blocks. is a whole number from 1 to 10,000"),
        ("most = 10001", "most of .blocks. is a whole number from 1 to 10,000"),
        ('python = ""', "python of .blocks. is the path of an interpreter"),
        ("partitions = 1", "no field partitions of .blocks.; there are .*partition"),
    ],
)
def test_what_it_may_not_say_is_refused_by_name(tmp_path, line, told):
    with pytest.raises(SiteFileError, match=told):
        blocks_in(written(tmp_path, f"[blocks]\n{line}\n"))


@pytest.mark.parametrize(("text", "told"), [("", "no table"), ("blocks = 7", "no table"), ("[blocks", "cannot be read")])
def test_a_file_without_blocks_is_refused(tmp_path, text, told):
    with pytest.raises(SiteFileError, match=told):
        blocks_in(written(tmp_path, text))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SiteFileError, match="cannot be read"):
        blocks_in(tmp_path / "nosuch.toml")


@pytest.mark.parametrize(
    "content",
    [None, b"name = ", b"\xff", b"n = 1" + b"0" * 5000, b"n = " + b"[" * 100_000, b'colour = 1\n[blocks]\nhue = "red"'],
)
def test_who_trains_and_who_asks_for_jobs_refuse_a_file_with_the_same_error(tmp_path, content):
    path = tmp_path / "site.toml"
    if content is not None:
        path.write_bytes(content)
    for reads in (read, blocks_in, parsl):
        with pytest.raises(SiteFileError, match=re.escape(f"site file {path}")):
            reads(path)


@pytest.mark.parametrize("folder", ["my runs", "$HOME", "a(b)", "it's", "{x}"])
def test_a_folder_that_parsl_would_break_its_commands_with_is_refused(tmp_path, folder):
    path = written(tmp_path, f'folder = "{folder}"\n[blocks]\n')
    with pytest.raises(SiteFileError, match="choose a folder without spaces"):
        parsl(path)


@pytest.mark.parametrize(
    "python", ["/opt/my venv/bin/python", "/a$b;c/python", "/it's/{block_id}/python", '/"x"/`y`/{}/python']
)
def test_an_interpreter_of_any_name_is_one_word_of_the_command(python):
    once = _launching("process_worker_pool.py -a {addresses} --block_id={{block_id}}", python).format(addresses="127.0.0.1")
    words = shlex.split(once.format(block_id="7"))
    block, pool = ["exec", python, "-m", "jitnas_fn.worker.block"], [python, "-m", POOL]
    assert words == [*block, *pool, "-a", "127.0.0.1", "--block_id=7"]


def test_an_interpreter_in_the_home_folder_is_found(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me and you")
    assert shlex.split(_launching("process_worker_pool.py", "~/venv/bin/python"))[1] == "/home/me and you/venv/bin/python"
