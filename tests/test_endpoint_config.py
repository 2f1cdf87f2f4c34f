"""Every folder of `endpoint_config/`, as it is and as `jitnas site init` writes it, read by the endpoint's own parser.

Each pitfall is avoided by every folder, and a folder that is changed the wrong way falls into it.
"""

import json
import subprocess
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("globus_compute_endpoint")

from globus_compute_endpoint.endpoint.config import CoreEndpointConfig
from globus_compute_endpoint.endpoint.config.utils import get_config
from globus_compute_endpoint.endpoint.identity_mapper import PosixIdentityMapper
from jsonschema import Draft202012Validator

from jitnas_fn.cli.app import run
from jitnas_fn.cli.site._profiles import folder, names
from jitnas_fn.cli.site._rendering import loaded, rendered
from jitnas_fn.core.errors import SiteFileError
from jitnas_fn.worker.site import read
from tests.endpoint_pitfalls import (
    CONTROL,
    ENVIRONMENT,
    OF_SLURM,
    PITFALLS,
    SCHEMA,
    TEMPLATE,
    TRAIN,
    WRONG,
    engine_of,
    options_of,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # Parsl leaves sockets to the collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

ROOT = Path(__file__).parents[1]
STATED = {
    "bede": ["account=bdabc01", "python=/nobackup/env/bin/python"],
    "comet": ["account=comet_abc", "longest_walltime=04:00:00"],
    "laptop": [],
    "shared": ["partitions=gpu,long", "email=a@example.org", "organisation=example.org", "service_account=jitnas"],
    "slurm": ["partitions=gpu,long", "account=abc", "longest_walltime=24:00:00"],
}
SLURM = sorted(set(STATED) - {"laptop"})


@pytest.fixture(autouse=True)
def no_scheduler(tmp_path, monkeypatch):
    """Parsl asks sacct when it is configured, and sbatch for a job: neither knows anything, and sbatch keeps the script."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "sacct").write_text("#!/bin/sh\nexit 1\n")
    (programs / "sbatch").write_text(f'#!/bin/sh\ncp "$1" {tmp_path}/job.sh\necho Submitted batch job 7\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.delenv("SLURM_CONF", raising=False)


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write the folder of a profile by `jitnas site init`, with some words more if need be."""
    monkeypatch.setenv("GLOBUS_COMPUTE_USER_DIR", str(tmp_path / "globus"))

    def write(profile, *more):
        where = [f"folder={tmp_path}/site", f"site_file={tmp_path}/{profile}.toml"]
        changed = {stated.partition("=")[0] for stated in more}
        usual = [stated for stated in [*where, *STATED[profile]] if stated.partition("=")[0] not in changed]
        words = [word for stated in [*usual, *more] for word in ("--set", stated)]
        assert run(["site", "init", profile, "--name", profile, "--json", *words]) == 0
        return tmp_path / "globus" / profile

    return write


def script_of(place, options, tmp_path):
    """The batch script that sbatch gets."""
    engine = engine_of(place, options)
    engine.provider.script_dir = str(tmp_path)
    engine.provider.submit(engine.containerized_launch_cmd(), 1, "parsl.block-0")
    return (tmp_path / "job.sh").read_text()


def asked_for(script):
    return [line.removeprefix("#SBATCH ") for line in script.splitlines() if line.startswith("#SBATCH ")]


@pytest.mark.parametrize("pitfall", PITFALLS, ids=lambda pitfall: pitfall.__name__)
@pytest.mark.parametrize("profile", STATED)
def test_every_folder_avoids(pitfall, profile, written):
    if not (profile == "laptop" and pitfall in OF_SLURM):
        pitfall(written(profile))


@pytest.mark.parametrize(("pitfall", "file", "right", "wrong"), WRONG, ids=lambda value: getattr(value, "__name__", None))
def test_a_folder_that_is_changed_the_wrong_way_fails(pitfall, file, right, wrong, written):
    place = written("slurm")
    text = (place / file).read_text()
    assert right in text
    (place / file).write_text(text.replace(right, wrong))
    with pytest.raises((AssertionError, AttributeError, SiteFileError, pytest.fail.Exception)):
        pitfall(place)


# Folders as they are.


def test_there_is_a_folder_for_each_kind_of_site():
    assert (folder(), names()) == (ROOT / "endpoint_config", sorted(STATED))
    assert sorted(path.name for path in folder().iterdir() if path.is_dir()) == sorted(STATED)


@pytest.mark.parametrize("profile", STATED)
def test_a_folder_as_it_is_answers_and_asks_for_no_job_before_it_is_filled_in(profile):
    engine_of(folder() / profile, CONTROL)
    with pytest.raises(SiteFileError, match="which says (FILL_IN|BY_INIT)"):
        rendered(folder() / profile, TRAIN)


@pytest.mark.parametrize("profile", STATED)
def test_schemas_are_schemas(profile, written):
    for place in (folder() / profile, written(profile)):
        schema = json.loads((place / SCHEMA).read_text())
        Draft202012Validator.check_schema(schema)
        assert (place / SCHEMA).read_text() == json.dumps(schema, indent=2) + "\n"


def test_the_shared_folder_differs_from_that_of_any_cluster_only_in_what_it_states():
    shared, slurm = ((folder() / profile / TEMPLATE).read_text().split("{# ----", 1)[1] for profile in ("shared", "slurm"))
    assert shared == slurm


# Folders as init writes them.


@pytest.mark.parametrize("profile", STATED)
def test_nothing_is_left_to_fill_in(profile, written):
    place = written(profile)
    for path in [*place.rglob("*"), *place.parents[1].glob("*.toml")]:
        if path.is_file():
            stated = [line for line in path.read_text().splitlines() if " in (" not in line]
            assert not any("FILL_IN" in line or "BY_INIT" in line for line in stated), path


@pytest.mark.parametrize("profile", STATED)
def test_the_agent_reads_its_configuration_and_runs_no_function_yet(profile, written):
    configuration = get_config(written(profile))
    assert isinstance(configuration, CoreEndpointConfig)
    assert (configuration.allowed_functions, configuration.public) == ((), False)
    assert configuration.display_name == profile


@pytest.mark.parametrize("profile", STATED)
def test_the_site_file_accepts_no_code(profile, written, tmp_path):
    written(profile)
    site = read(tmp_path / f"{profile}.toml")
    assert (site.accepts, site.folder) == (("graph",), tmp_path / "site")
    assert site.store is not None
    assert site.slurm == (profile != "laptop")
    assert (site.device, site.trust) == (("cpu", "local") if profile == "laptop" else ("cuda", "site"))
    assert (site.seconds is None) == (profile != "shared")


@pytest.mark.parametrize("profile", SLURM)
def test_template_and_schema_list_the_same_partitions_and_blocks(profile, written):
    place = written(profile, "most_blocks=3", "partitions=gpu-s_paid,gh")
    options = options_of(place)
    assert options["partition"]["enum"] == ["gpu-s_paid", "gh"]
    assert options["blocks"]["maximum"] == 3
    assert engine_of(place, TRAIN).provider.max_blocks == 3


@pytest.mark.parametrize("profile", SLURM)
def test_a_user_chooses_within_what_the_site_allows(profile, written):
    place = written(profile)
    partition = options_of(place)["partition"]["enum"][-1]
    chosen = engine_of(place, {**TRAIN, "walltime": "00:10:00", "blocks": 1, "partition": partition}).provider
    assert (chosen.walltime, chosen.max_blocks, chosen.partition) == ("00:10:00", 1, partition)


@pytest.mark.parametrize("profile", SLURM)
@pytest.mark.parametrize("option", [{"walltime": "99:00:00"}, {"blocks": 9000}, {"partition": "gpu; id"}])
def test_without_its_schema_a_template_still_refuses_what_the_site_does_not_allow(profile, option, written):
    place = written(profile)
    (place / SCHEMA).unlink()
    with pytest.raises(SiteFileError, match="no attribute '(a walltime of|. blocks at most|the partitions)"):
        rendered(place, {**TRAIN, **option})


@pytest.mark.parametrize("profile", STATED)
def test_without_its_schema_a_template_still_lets_no_shell_through(profile, written):
    place = written(profile)
    (place / SCHEMA).unlink()
    assert " train " in loaded(rendered(place, {"profile": "control; id"})).endpoint_setup
    assert "; id" not in loaded(rendered(place, {"profile": "control; id"})).endpoint_setup


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        (["gpu_type=L40"], "--gres=gpu:L40:1"),
        (["gpu_request=gpus-per-node", "gpus=2", "gpu_type=L40"], "--gpus-per-node=L40:2"),
        (["cores=6"], "--cpus-per-task=6"),
        (["memory_gb=32"], "--mem=32g"),
        (["qos=short"], "--qos=short"),
        (["constraint=a100|h100"], "--constraint=a100|h100"),
        (["account=abc"], "--account=abc"),
        (["gpus=4", "whole_nodes=true"], "--exclusive"),
    ],
)
def test_a_site_s_words_stand_in_the_batch_script(more, wanted, written, tmp_path):
    stated = asked_for(script_of(written("slurm", *more), TRAIN, tmp_path))
    assert wanted in stated
    assert {"--partition=gpu", "--time=1440", "--nodes=1"} <= set(stated)
    assert [line for line in stated if line.startswith("--job-name")][-1] == "--job-name=jitnas"


@pytest.mark.parametrize("absent", ["--account", "--qos", "--constraint", "--mem", "--cpus-per-task", "--exclusive"])
def test_what_a_site_does_not_say_is_left_to_the_cluster(absent, written, tmp_path):
    stated = asked_for(script_of(written("slurm", "account="), TRAIN, tmp_path))
    assert not any(line.startswith(absent) for line in stated)


def test_lines_of_shell_come_first_and_the_block_takes_the_place_of_the_script(written, tmp_path):
    lines = ["environment=module load CUDA/12.4", "environment=export A='b c'"]
    script = script_of(written("slurm", *lines), TRAIN, tmp_path)
    shell = [line for line in script.splitlines() if line and not line.startswith("#")]
    assert shell[:2] == ["module load CUDA/12.4", "export A='b c'"]
    assert shell[2:4] == [f"export JITNAS_SITE={tmp_path}/slurm.toml", "export JITNAS_ROLE=train"]
    assert shell[-1].startswith("exec /")


# Single sites.


def test_bede_asks_for_the_grace_hopper_nodes(written, tmp_path):
    place = written("bede")
    assert {"--partition=gh", "--gres=gpu:1", "--account=bdabc01", "--time=720"} <= set(
        asked_for(script_of(place, TRAIN, tmp_path))
    )
    assert engine_of(place, {**TRAIN, "partition": "ghtest"}).provider.walltime == "00:30:00"
    with pytest.raises(SiteFileError, match="a walltime of 00:30:00 at most"):
        rendered(place, {**TRAIN, "partition": "ghtest", "walltime": "00:31:00"})


def test_on_bede_the_jobs_have_another_interpreter_than_the_agent(written):
    configuration = loaded(rendered(written("bede"), TRAIN))
    assert "exec /nobackup/env/bin/python -m" in configuration.engine.container_cmd_options
    assert not configuration.endpoint_setup.startswith("exec /nobackup")


@pytest.mark.parametrize("has_ghbatch", [True, False])
def test_on_bede_sbatch_is_ghbatch_where_there_is_one(has_ghbatch, written, tmp_path):
    place, others = written("bede"), tmp_path / "others"
    others.mkdir()
    for name in ["sbatch", *["ghbatch"] * has_ghbatch]:
        (others / name).write_text(f'#!/bin/sh\nprintf "%s:" {name} "$@"\n')
        (others / name).chmod(0o755)
    path = f"{place}/bin:{others}:/usr/bin:/bin"
    assert f'PATH: "{place}/bin:' in (place / ENVIRONMENT).read_text()
    said = subprocess.check_output(["sbatch", "a job", "--x"], env={"PATH": path}, text=True)
    assert said == f"{'ghbatch' if has_ghbatch else 'sbatch'}:a job:--x:"


def test_on_bede_without_any_sbatch_the_shim_says_so_and_ends(written):
    place = written("bede")
    done = subprocess.run(
        ["/bin/sh", place / "bin/sbatch"], env={"PATH": f"{place}/bin"}, capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 127
    assert "sbatch" in done.stderr


@pytest.mark.parametrize(
    ("partition", "gres", "workers"),
    [("gpu-s_free", "gpu:L40:1", 1), ("gpu-s_paid", "gpu:L40:1", 1), ("gpu-l_paid", "gpu:H100:4", 4)],
)
def test_comet_asks_for_what_each_partition_has(partition, gres, workers, written, tmp_path):
    place = written("comet")
    stated = set(asked_for(script_of(place, {**TRAIN, "partition": partition}, tmp_path)))
    assert {f"--partition={partition}", f"--gres={gres}", "--account=comet_abc", "--time=240"} <= stated
    assert engine_of(place, {**TRAIN, "partition": partition}).max_workers_per_node == workers


def test_on_comet_and_bede_the_account_is_in_the_path(written, monkeypatch, tmp_path):
    monkeypatch.setenv("USER", "abc123")
    monkeypatch.setenv("LOGNAME", "abc123")
    monkeypatch.setenv("GLOBUS_COMPUTE_USER_DIR", str(tmp_path))
    for profile, expected in [
        ("comet", "/nobackup/proj/comet_abc/jitnas"),
        ("bede", "/nobackup/projects/bdabc01/abc123/jitnas"),
    ]:
        words = [word for stated in STATED[profile] for word in ("--set", stated)]
        assert run(["site", "init", profile, "--name", f"{profile}2", "--json", *words]) == 0
        site = tomllib.loads((tmp_path / f"{profile}2" / "site.toml").read_text())
        assert (site["folder"], site["store"]) == (expected, f"{expected}/store")


def test_a_laptop_trains_on_this_machine_alone(written):
    place = written("laptop", "workers=3")
    engine = engine_of(place, TRAIN)
    assert (type(engine.provider).__name__, engine.provider.max_blocks) == ("LocalProvider", 1)
    assert (engine.executor.address, engine.max_workers_per_node) == ("127.0.0.1", 3)
    assert options_of(place).keys() == {"profile"}


def test_a_shared_endpoint_maps_one_organisation_to_one_account(written):
    place = written("shared", "service_account=trainer", "organisation=uni-x.example.org")
    configuration = get_config(place)
    assert configuration.email == "a@example.org"
    mapper = PosixIdentityMapper(configuration.identity_mapping_config_path, "an endpoint")
    try:
        for username, mapped in [
            ("ann@uni-x.example.org", True),
            ("ann@uni-xyexample.org", False),
            ("ann@uni-x.example.org.evil.net", False),
            ("ann@example.org", False),
        ]:
            found = mapper.map_identities([{"id": "i", "username": username, "status": "used"}])
            assert found == [[{"i": ["trainer"]}] if mapped else []], username
    finally:
        mapper.stop_watching()


def test_a_shared_endpoint_keeps_the_site_file_out_of_root_s_home(written, tmp_path):
    place = written("shared")
    assert not (place / "site.toml").exists()
    assert (tmp_path / "shared.toml").stat().st_mode & 0o777 == 0o644


def test_the_folders_are_in_the_wheel():
    targets = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    assert targets["wheel"]["force-include"]["endpoint_config"] == "jitnas_fn/_endpoint_config"
    assert "/endpoint_config" in targets["sdist"]["include"]
