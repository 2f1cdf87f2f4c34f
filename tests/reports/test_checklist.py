"""The fourteen practices: what is answered changes when the run or its records change, and nothing else makes it."""

import dataclasses

import pytest

from jitnas_fn.client.cache import users_store
from jitnas_fn.core import shelf
from jitnas_fn.core.envelope import Envelope, error_fields
from jitnas_fn.core.errors import ModelFailed
from jitnas_fn.reports.checklist import PRACTICES, as_markdown, checklist
from jitnas_fn.reports.evidence import gathered
from jitnas_fn.reports.practices.finding import Finding, listed, ranges
from jitnas_fn.reports.records import at_hand
from tests.client.fakes import reply
from tests.reports.runs import MACHINE, VERSIONS, a_replay, a_run, a_table, kept_without

PIPELINE, CODE, EARLY, BENCHMARK, ABLATION, PROTOCOL, COMPUTE = range(1, 8)
BASELINES, SEEDS, TABULAR, CONFOUNDERS, TUNING, WHOLE_COST, DETAILS = range(8, 15)


@pytest.fixture
def run():
    return a_run("evolution", seeds=range(5), evaluations=6)


def judged(run, store=None):
    evidence = gathered(run, users_store() if store is None else store)
    return {one.number: one for one in checklist(evidence)}


def answers(practices):
    return {number: one.answer for number, one in practices.items()}


def asked(run, **changed):
    run.asked = dataclasses.replace(run.asked, **changed)
    return run


def test_a_run_that_was_trained_here_shows_what_it_can_and_no_more(run):
    found = judged(run)
    no = {EARLY, ABLATION, TABULAR, TUNING}
    assert answers(found) == {number: "no" if number in no else "yes" for number in range(1, len(PRACTICES) + 1)}
    assert "jitnas_fn that trained them: 0.1.0" in found[PIPELINE].there[-1]
    assert found[SEEDS].there == ["Seeds of the searches: evolution 0-4, random_sampling 0-4, random_search 0-4."]
    assert found[CONFOUNDERS].there[0] == "device: cpu."
    assert "replay the methods on nasbench101, nasbench201" in found[TABULAR].lacks[0]
    assert any(one.startswith("Energy: ") and " J estimated by " in one for one in found[WHOLE_COST].there)


def test_a_replay_says_that_machines_and_seeds_of_its_table_are_unknown(tmp_path):
    file = a_table(tmp_path, timed=12)
    run = a_replay(file, "evolution")
    found = {one.number: one for one in checklist(at_hand(run, table=file))}
    yes, no = {CODE, BENCHMARK, PROTOCOL, BASELINES, TABULAR}, {EARLY, ABLATION, TUNING}
    assert answers(found) == {n: "yes" if n in yes else "no" if n in no else "partly" for n in range(1, 15)}
    assert "neither code nor settings" in found[PIPELINE].lacks[0]
    assert "X. Dong and Y. Yang" in found[PIPELINE].there[0]
    assert found[CONFOUNDERS].lacks == ["Of imported records hardware, versions of libraries and seeds are unknown."]
    assert found[SEEDS].lacks == ["The seeds of the trainings are not known: the table does not say them."]
    assert "are judged, not measured" in found[COMPUTE].lacks[0]
    assert run.asked.table["sha256"][:12] in found[TABULAR].there[0]


def test_a_replay_whose_table_is_not_at_hand_says_so(tmp_path):
    found = {one.number: one for one in checklist(at_hand(a_replay(a_table(tmp_path), "evolution")))}
    assert "records are not at hand" in found[PIPELINE].lacks[-1]
    assert found[CONFOUNDERS].answer == "no"
    assert found[WHOLE_COST].answer == "partly"


@pytest.mark.parametrize(
    ("left", "answer"), [({"random_sampling", "random_search"}, "yes"), ({"random_search"}, "partly"), (set(), "no")]
)
def test_baselines_count_only_if_they_were_run(run, left, answer):
    found = judged(kept_without(run, lambda method, seed: method != "evolution" and method not in left))
    assert found[BASELINES].answer == answer
    assert all(f"{name} was not run." in found[BASELINES].lacks for name in {"random_sampling", "random_search"} - left)


@pytest.mark.parametrize(("seeds", "answer"), [(1, "no"), (2, "partly"), (4, "partly"), (5, "yes")])
def test_seeds_are_several_or_not(run, seeds, answer):
    assert judged(asked(run, seeds=list(range(seeds))))[SEEDS].answer == answer


def test_searches_that_have_not_ended_are_named(run):
    found = judged(kept_without(run, lambda method, seed: method == "evolution" and seed in {1, 2, 4}))
    assert found[BENCHMARK].answer == "partly"
    assert found[BENCHMARK].lacks == ["Searches that have not come to their end: evolution 1-2, 4."]
    assert "Fewer than 5 seeds: evolution (2)." in found[SEEDS].lacks


def test_one_method_alone_compares_nothing(run):
    found = judged(asked(run, methods=["evolution"]))
    assert found[BENCHMARK].answer == "partly"
    assert "Only evolution was run" in found[BENCHMARK].lacks[0]


def test_two_machines_are_no_fair_clock():
    def changing(key):
        return {"environment": {**MACHINE, "device": "NVIDIA H100" if key < "8" else "cpu"}}

    found = judged(a_run("evolution", changing=changing))
    assert found[CONFOUNDERS].answer == "partly"
    (told,) = found[CONFOUNDERS].lacks
    assert told.startswith("device is not one and the same: ")
    assert "NVIDIA H100 (" in told


def test_versions_that_records_do_not_name_are_unknown():
    def changing(key):
        return {"environment": {**MACHINE, "versions": {name: VERSIONS[name] for name in VERSIONS if name != "jitnas_fn"}}}

    found = judged(a_run("evolution", changing=changing))
    assert found[PIPELINE].answer == "partly"
    assert "do not name the version of jitnas_fn" in found[PIPELINE].lacks[0]
    assert any("jitnas_fn is not one and the same: unknown" in told for told in found[CONFOUNDERS].lacks)


def test_records_that_are_not_at_hand_show_nothing(run):
    found = {one.number: one for one in checklist(gathered(run, None))}
    assert found[CONFOUNDERS].answer == "no"
    assert found[PIPELINE].answer == "partly"
    assert "what they cost is not counted" in found[WHOLE_COST].lacks[0]


def test_where_every_network_failed_nothing_is_shown():
    def nothing(text):
        items = Envelope.from_json(text).items("tasks")
        return reply([{"key": item["key"], "error": error_fields(ModelFailed("no"))} for item in items])

    found = judged(a_run("evolution", answering=nothing))
    assert found[CONFOUNDERS].answer == "no"
    assert found[CONFOUNDERS].lacks == ["No training has come to its end."]
    assert found[WHOLE_COST].answer == "yes"


def test_what_is_chosen_and_reached_is_shown_by_records_alone(run):
    found = {one.number: one for one in checklist(gathered(run, None))}
    assert found[PROTOCOL].answer == found[COMPUTE].answer == "partly"


def test_one_evaluation_without_seconds_is_told():
    found = judged(
        a_run("evolution", changing=lambda key: {"cost": {"wall_seconds": None if key < "3" else 1.0, "attempts": 1}})
    )
    assert found[COMPUTE].answer == "partly"
    assert "evaluations have no seconds" in found[COMPUTE].lacks[0]


def test_the_recipe_that_test_was_read_by_is_named_also_where_it_is_a_cheaper_one(run):
    cheaper = {**run.asked.ladder[-1], "name": "brief", "epochs": 1}
    found = judged(asked(run, ladder=[cheaper, *run.asked.ladder], final=cheaper))
    assert any("Test is that of the chosen network by brief" in told for told in found[PROTOCOL].there)


def test_trainings_without_a_time_are_told():
    found = judged(a_run("evolution", changing=lambda key: {"cost": {"wall_seconds": None, "attempts": 1}}))
    assert found[COMPUTE].answer == "partly"
    assert "do not say what their training cost" in found[WHOLE_COST].lacks[0]


def test_a_choice_that_is_not_the_best_on_validation_is_found_out(run):
    """As if somebody had chosen on test, and written the run by hand."""
    searches = list(run.searches())
    place = next(place for place, one in enumerate(searches) if len(one.incumbents) > 1)
    wrong = dataclasses.replace(searches[place], incumbents=searches[place].incumbents[:1])
    wrong = dataclasses.replace(wrong, point=wrong.incumbents[0].point)
    evidence = gathered(run, users_store())
    changed = dataclasses.replace(evidence, searches=[*searches[:place], wrong, *searches[place + 1 :]])
    found = {one.number: one for one in checklist(changed)}
    assert found[PROTOCOL].answer == "partly"
    assert f"Not the best on validation of those evaluated: {wrong.method} {wrong.seed}." in found[PROTOCOL].lacks


def test_a_search_that_never_trained_by_the_whole_recipe_is_told():
    run = a_run("successive_halving", epochs=[1, 3], seeds=[0], evaluations=3)
    found = judged(run)
    assert "Chosen by a cheaper recipe, since none was trained by quick: successive_halving 0." in found[PROTOCOL].lacks


def test_code_is_published_only_as_far_as_it_is_a_file_of_the_version_that_searched(run, monkeypatch):
    assert judged(run)[CODE].answer == "yes"
    assert judged(asked(run, versions={"jitnas_fn": "0.0.1", "python": "3.11"}))[CODE].answer == "partly"
    assert judged(asked(run, versions={}))[CODE].lacks == ["The run does not name the version of jitnas_fn that searched."]
    monkeypatch.setattr(shelf, "names", lambda room: [])
    found = judged(asked(run, versions={}))[CODE]
    assert found.answer == "no"
    assert "publish their code" in found.lacks[0]


def test_variants_of_a_method_are_told_with_their_settings_and_what_they_cost():
    found = judged(a_run("evolution", "evolution:sample=2", "local_search", seeds=[0]))
    assert found[ABLATION].answer == found[TUNING].answer == "partly"
    assert found[ABLATION].there == ["Variants: evolution with the settings of its file, sample=2."]
    assert found[TUNING].there[0].startswith("Run here in several settings, each with its cost: evolution with ")
    assert found[CODE].there[0] == "Files of jitnas_fn/searchers: evolution, local_search, random_sampling, random_search."


def test_a_detail_that_is_not_stated_is_missed(run):
    assert judged(asked(run, dataset={**run.asked.dataset, "sha256": None}))[DETAILS].answer == "partly"
    assert judged(asked(run, training_seed=None))[DETAILS].answer == "partly"
    assert judged(asked(run, versions={"torch": None}))[DETAILS].answer == "partly"


def test_records_of_another_dataset_are_no_fair_comparison(run):
    found = judged(asked(run, dataset={**run.asked.dataset, "sha256": "0" * 64}))
    assert found[BENCHMARK].answer == "partly"
    assert "are of another dataset or recipe" in found[BENCHMARK].lacks[0]


def test_it_is_told_as_a_table_and_as_a_list(run):
    practices = checklist(gathered(run, users_store()))
    lines = as_markdown(practices).splitlines()
    assert len(lines) == 2 + 14
    assert lines[2].startswith("| 1 | Publish how networks are trained | **yes** | ")
    fields = practices[8].to_dict()
    assert fields["number"] == 9
    assert fields["answer"] == "yes"
    assert set(fields) == {"number", "title", "answer", "there", "lacks"}


def test_the_answer_follows_from_what_is_there_and_what_lacks():
    assert Finding(there=["a"]).answer == "yes"
    assert Finding(there=["a"], lacks=["b"]).answer == "partly"
    assert Finding(lacks=["b"]).answer == "no"


def test_numbers_and_names_are_told_in_few_letters():
    assert ranges([3, 1, 2, 7, 9, 8, 8]) == "1-3, 7-9"
    assert ranges([]) == ""
    assert listed(range(10), most=3) == "0, 1, 2 and 7 more"
