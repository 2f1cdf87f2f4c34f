"""The `[blocks]` of a site file: what they may say, and how it is spelled for Slurm."""

import re
from pathlib import Path

import pytest

from jitnas_fn.backends._blocks import Blocks, blocks_in
from jitnas_fn.core.errors import SiteFileError
from jitnas_fn.worker.site import read

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
        ("gpus = -1", "gpus of .blocks. is a whole number from 0 on"),
        ("gpus = true", "gpus of .blocks. is a whole number from 0 on"),
        ('walltime = "8 hours"', "walltime of .blocks. is HH:MM:SS"),
        ("walltime = 08:00:00", "walltime of .blocks. is HH:MM:SS"),
        ('walltime = "00:00:30"', "at least a minute"),
        ('environment = "module load x"', "environment of .blocks. is a list of lines of shell"),
        ('environment = ["a\\nb"]', "environment of .blocks. is a list of lines of shell"),
        ('scheduler = "pbs"', "one of slurm, local"),
        ('gpu_request = "gpus"', "one of gres, gpus-per-node"),
        ("idle_seconds = inf", "a number above 0"),
        ("most = 0", "most of .blocks. is a whole number above 0"),
        ("partitions = 1", "no field partitions; there are .*partition"),
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
