"""Pitfalls of an endpoint's configuration: each is a function that takes the folder of an endpoint and asserts.

`WRONG` changes a folder so that it falls into one of them.
"""

import json
import shlex
from urllib.parse import parse_qsl
from uuid import UUID

import pytest
from globus_compute_endpoint.endpoint.config import UserEndpointConfig
from globus_compute_sdk.serialize import JSONData, PureSourceTextInspect

from jitnas_fn.cli.site._rendering import loaded, rendered
from jitnas_fn.core.errors import SiteFileError

CONTROL, TRAIN = {"profile": "control"}, {"profile": "train"}
TEMPLATE, SCHEMA, ENVIRONMENT = "user_config_template.yaml.j2", "user_config_schema.json", "user_environment.yaml"


def engine_of(place, options):
    configuration = loaded(rendered(place, options))
    assert isinstance(configuration, UserEndpointConfig)
    return configuration.engine


def options_of(place):
    return json.loads((place / SCHEMA).read_text())["properties"]


def everything_chosen(place):
    """A value of each option that users have."""
    values = {"profile": "train", "walltime": "00:30:00", "blocks": 1}
    return {name: values.get(name) or option["enum"][0] for name, option in options_of(place).items()}


def the_walltime_is_a_text(place):
    assert engine_of(place, TRAIN).provider.walltime.count(":") == 2  # YAML makes a number of 24:00:00


def an_unknown_option_is_refused(place):
    for option in ("worker_init", "scheduler_options", "python", "env", "_GC", "account"):
        with pytest.raises(SiteFileError, match="Additional properties|reserved word"):
            rendered(place, {**TRAIN, option: "x"})


def nobody_is_served_without_a_profile(place):
    for options in ({}, {"profile": "other"}, {"profile": None}, {"profile": ["train"]}):
        with pytest.raises(SiteFileError, match="ValidationError"):
            rendered(place, options)


def blocks_come_and_go_by_the_simple_strategy(place):
    engine = engine_of(place, TRAIN)
    assert engine._job_status_kwargs["strategy"] == "simple"
    assert 0 < engine._job_status_kwargs["max_idletime"] <= 600
    assert (engine.provider.init_blocks, engine.provider.min_blocks) == (0, 0)


def both_profiles_take_source_and_json_alone(place):
    for options in (CONTROL, TRAIN):
        assert engine_of(place, options).serde.allowed_deserializer_types == {PureSourceTextInspect, JSONData}


def what_shares_a_node_leaves_alone_which_gpus_it_got(place):
    for name in options_of(place).get("partition", {}).get("enum", [None]):
        engine = engine_of(place, TRAIN if name is None else {**TRAIN, "partition": name})
        accelerators = engine.executor.available_accelerators
        assert getattr(engine.provider, "exclusive", False) == bool(accelerators)
        assert engine.max_workers_per_node == max(1, len(accelerators))


def who_answers_refuses_to_train_and_the_jobs_do_not(place):
    environment = (place / ENVIRONMENT).read_text()
    assert 'JITNAS_ROLE: "control"\n' in environment
    assert "export JITNAS_ROLE=train\n" in engine_of(place, TRAIN).provider.worker_init


def jobs_know_the_site_file_of_the_agent(place):
    stated = next(line for line in (place / ENVIRONMENT).read_text().splitlines() if line.startswith("JITNAS_SITE: "))
    site_file = json.loads(stated.partition(": ")[2])
    assert f"export JITNAS_SITE={site_file}\n" in engine_of(place, TRAIN).provider.worker_init


def no_option_is_free_text(place):
    for option in options_of(place).values():
        words = option.get("type") == "string" and "pattern" in option and option["maxLength"] <= 8
        number = option.get("type") == "integer" and {"minimum", "maximum"} <= option.keys()
        assert words or number or isinstance(option.get("enum"), list)


def no_option_carries_shell(place):
    refused = {
        "walltime": ["01:00:00; id", "01:00:00\n", "01:00;id", "$(id)", "1:00:00", "01:60:00", 3600],
        "blocks": ["1", 0, -1, 1.5],
    }
    refused["blocks"] = ["1", 0, -1, 1.5]
    refused["partition"] = ["gpu\n#SBATCH --uid=0", "gpu; id", "", 7]
    for option, values in refused.items():
        for value in values:
            with pytest.raises(SiteFileError, match="ValidationError"):
                rendered(place, {**TRAIN, option: value})


def no_job_is_longer_than_the_site_allows(place):
    if "walltime" in options_of(place):
        with pytest.raises(SiteFileError, match=r"a walltime of \d\d:\d\d:\d\d at most"):
            rendered(place, {**TRAIN, "walltime": "99:59:59"})
        with pytest.raises(SiteFileError, match="ValidationError"):  # Slurm takes no minutes for no limit
            rendered(place, {**TRAIN, "walltime": "00:00:30"})


def no_more_jobs_than_the_site_allows(place):
    if "blocks" in options_of(place):
        for blocks in (options_of(place)["blocks"].get("maximum", 0) + 1, 9000):
            with pytest.raises(SiteFileError, match="greater than the maximum"):
                rendered(place, {**TRAIN, "blocks": blocks})


def questions_choose_nothing_but_the_profile(place):
    for option in options_of(place).keys() - {"profile"}:
        value = {"walltime": "00:10:00", "blocks": 1}.get(option) or options_of(place)[option]["enum"][0]
        with pytest.raises(SiteFileError, match="ValidationError"):
            rendered(place, {**CONTROL, option: value})


def questions_never_ask_for_a_job(place):
    assert type(engine_of(place, CONTROL)).__name__ == "ThreadPoolEngine"
    assert "Provider" not in rendered(place, CONTROL)


def a_block_is_ours_and_takes_the_place_of_the_script(place):
    engine = engine_of(place, TRAIN)
    exec_, python, *rest = engine.containerized_launch_cmd().split()
    assert (exec_, type(engine.provider.launcher).__name__) == ("exec", "SimpleLauncher")
    assert rest[:5] == ["-m", "jitnas_fn.worker.block", python, "-m", "jitnas_fn.worker.pool"]


def what_is_lost_is_sent_again_and_nothing_waits_behind_another(place):
    engine = engine_of(place, TRAIN)
    assert (engine.max_retries_on_system_failure, engine.executor.prefetch_capacity) == (2, 0)
    assert engine.executor.heartbeat_threshold == 3 * engine.executor.heartbeat_period


def a_job_takes_no_task_shortly_before_its_end(place):
    engine = engine_of(place, TRAIN)
    if hasattr(engine.provider, "walltime"):
        hours, minutes, seconds = map(int, engine.provider.walltime.split(":"))
        assert engine.executor.drain_period == (3600 * hours + 60 * minutes + seconds) * 9 // 10


def who_starts_is_noted_and_waits_a_week_for_a_job(place):
    for options in (CONTROL, TRAIN, everything_chosen(place)):
        configuration = loaded(rendered(place, options))
        assert configuration.endpoint_setup
        exec_, _, *rest = shlex.split(configuration.endpoint_setup)
        *words, query = rest
        assert [exec_, *words] == [
            *("exec", "-m", "jitnas_fn.worker.processes", options["profile"]),
            *("--identity", str(UUID(int=0)), "--options"),
        ]
        known = parse_qsl(query, keep_blank_values=True)
        assert dict(known) == {name: str(options.get(name, "")) for name in options_of(place) if name != "profile"}
        assert configuration.idle_heartbeats_hard * configuration.heartbeat_period >= 7 * 24 * 3600
        assert configuration.idle_heartbeats_soft > 0


PITFALLS = [
    the_walltime_is_a_text,
    an_unknown_option_is_refused,
    nobody_is_served_without_a_profile,
    blocks_come_and_go_by_the_simple_strategy,
    both_profiles_take_source_and_json_alone,
    what_shares_a_node_leaves_alone_which_gpus_it_got,
    who_answers_refuses_to_train_and_the_jobs_do_not,
    jobs_know_the_site_file_of_the_agent,
    no_option_is_free_text,
    no_option_carries_shell,
    no_job_is_longer_than_the_site_allows,
    no_more_jobs_than_the_site_allows,
    questions_choose_nothing_but_the_profile,
    questions_never_ask_for_a_job,
    a_block_is_ours_and_takes_the_place_of_the_script,
    what_is_lost_is_sent_again_and_nothing_waits_behind_another,
    a_job_takes_no_task_shortly_before_its_end,
    who_starts_is_noted_and_waits_a_week_for_a_job,
]
OF_SLURM = [the_walltime_is_a_text]


SERIALISERS = (
    "  allowed_serializers: [globus_compute_sdk.serialize.PureSourceTextInspect, globus_compute_sdk.serialize.JSONData]\n"
)
WRONG = [
    (the_walltime_is_a_text, TEMPLATE, "walltime: {{ chosen_walltime | tojson }}", "walltime: {{ chosen_walltime }}"),
    (an_unknown_option_is_refused, SCHEMA, '"additionalProperties": false', '"additionalProperties": true'),
    (nobody_is_served_without_a_profile, SCHEMA, '"required": [\n    "profile"\n  ]', '"required": []'),
    (blocks_come_and_go_by_the_simple_strategy, TEMPLATE, "strategy: simple", "strategy: htex_auto_scale"),
    (blocks_come_and_go_by_the_simple_strategy, TEMPLATE, "strategy: simple", "strategy: {type: SimpleStrategy}"),
    (blocks_come_and_go_by_the_simple_strategy, TEMPLATE, "    init_blocks: 0\n", ""),
    (both_profiles_take_source_and_json_alone, TEMPLATE, SERIALISERS, ", globus_compute_sdk.serialize.DillCode]"),
    (both_profiles_take_source_and_json_alone, TEMPLATE, "  allowed_serializers: [", "  # ["),
    (what_shares_a_node_leaves_alone_which_gpus_it_got, TEMPLATE, "    exclusive: {{ whole_nodes | tojson }}\n", ""),
    (
        what_shares_a_node_leaves_alone_which_gpus_it_got,
        TEMPLATE,
        "{% if whole_nodes and gpus %}",
        "{% if gpus %}",
    ),
    (who_answers_refuses_to_train_and_the_jobs_do_not, ENVIRONMENT, 'JITNAS_ROLE: "control"\n', ""),
    (who_answers_refuses_to_train_and_the_jobs_do_not, TEMPLATE, "      export JITNAS_ROLE=train\n", ""),
    (jobs_know_the_site_file_of_the_agent, TEMPLATE, "export JITNAS_SITE={{ site_file }}", "export JITNAS_SITE=other.toml"),
    (no_option_is_free_text, SCHEMA, '"maxLength": 8', '"maxLength": 800'),
    (no_option_carries_shell, SCHEMA, ':[0-5][0-9]$"', '"'),
    (no_option_carries_shell, SCHEMA, ',\n      "maxLength": 8', ""),
    (no_job_is_longer_than_the_site_allows, TEMPLATE, "{% if walltime_seconds > longest_seconds %}", "{% if false %}"),
    (no_job_is_longer_than_the_site_allows, SCHEMA, "(?!00:0[0-4])", ""),
    (no_more_jobs_than_the_site_allows, SCHEMA, ',\n      "maximum": 2', ""),
    (questions_choose_nothing_but_the_profile, SCHEMA, '"maxProperties": 1', '"maxProperties": 4'),
    (questions_never_ask_for_a_job, TEMPLATE, "type: ThreadPoolEngine\n  max_workers: 4", "type: GlobusComputeEngine"),
    (a_block_is_ours_and_takes_the_place_of_the_script, TEMPLATE, "container_cmd_options: exec ", "container_cmd_options: "),
    (a_block_is_ours_and_takes_the_place_of_the_script, TEMPLATE, "SimpleLauncher", "SrunLauncher"),
    (what_is_lost_is_sent_again_and_nothing_waits_behind_another, TEMPLATE, "max_retries_on_system_failure: 2", "label: x"),
    (a_job_takes_no_task_shortly_before_its_end, TEMPLATE, "drain_period: {{ walltime_seconds * 9 // 10 }}", "poll_period: 10"),
    (who_starts_is_noted_and_waits_a_week_for_a_job, TEMPLATE, "idle_heartbeats_hard: 20160\n", ""),
    (who_starts_is_noted_and_waits_a_week_for_a_job, TEMPLATE, "endpoint_setup: ", "endpoint_teardown: "),
    (who_starts_is_noted_and_waits_a_week_for_a_job, TEMPLATE, '  "blocks": blocks | default(""),\n', ""),
    (who_starts_is_noted_and_waits_a_week_for_a_job, TEMPLATE, ' --options "{{ chosen | urlencode }}"', ""),
    (who_starts_is_noted_and_waits_a_week_for_a_job, TEMPLATE, '_GC.mapped_identity.globus.id or ""', '""'),
]
