"""Practices that make a comparison fair: one benchmark, one protocol, baselines, ablations and seeds."""

from collections.abc import Iterator

from jitnas_fn.reports.evidence import Evidence
from jitnas_fn.reports.facts import Facts
from jitnas_fn.reports.practices.finding import Finding, listed, ranges
from jitnas_fn.search.found import Found
from jitnas_fn.search.ways import BASELINES

SEVERAL = 5  # seeds: fewer say little of a spread
FIRST_TAKEN = "random_sampling"  # stays with what it drew, whatever that is worth


def benchmark(evidence: Evidence, facts: Facts) -> Finding:
    """Whether all methods had the same data, space and pipeline."""
    asked, found = evidence.asked, Finding()
    methods = [method for method in asked.methods if evidence.of(method)]
    what = f"{asked.space} on {asked.dataset['name']} by {listed(plan.name for plan in evidence.plans)}"
    found.note(
        fits=len(methods) > 1,
        there=f"{len(methods)} methods were asked for the same: {what}, with the same budget and bounds.",
        lacks=f"Only {listed(methods)} was run on {what}: run others on it (jitnas compare).",
    )
    open_ends = [f"{method} {ranges(seeds)}" for method, seeds in _unfinished(evidence).items()]
    if open_ends:
        found.lacks.append(f"Searches that have not come to their end: {listed(open_ends)}.")
    plans, dataset = {plan.sha256 for plan in evidence.plans}, asked.dataset.get("sha256")
    others = [one for one in facts.records if one.parts["recipe"] not in plans or (dataset and one.parts["dataset"] != dataset)]
    if facts.records:
        found.note(
            fits=not others,
            there=f"{len(facts.records):,} records are all of this dataset and these recipes.",
            lacks=f"{len(others):,} records are of another dataset or recipe.",
        )
    return found


def ablation(evidence: Evidence, facts: Facts) -> Finding:
    """Whether parts of a method were left out one by one."""
    told = [f"{method} with {listed(settings)}" for method, settings in variants_of(evidence).items()]
    if not told:
        return Finding(lacks=["No method was run in several variants: run it with parts of it left out."])
    lacks = "Variants differ in settings; whether one of them leaves a part of the method out, a run does not say."
    return Finding(there=[f"Variants: {variants}." for variants in told], lacks=[lacks])


def protocol(evidence: Evidence, facts: Facts) -> Finding:
    """Whether all were chosen on validation and read on test, by the same recipes."""
    found, ended = Finding(), [search for search in evidence.searches if search.key is not None]
    wrong = [f"{search.method} {search.seed}" for search in ended if not _chosen_on_validation(search)]
    splits = evidence.asked.dataset.get("splits") or {}
    chosen, read = evidence.plans[evidence.top].name, evidence.read_by.name
    found.note(
        fits=bool(ended) and not wrong,
        there=f"In all {len(ended):,} searches that chose a network it is the best on validation of those evaluated by "
        f"{chosen}{f'; {FIRST_TAKEN} takes the first' if evidence.of(FIRST_TAKEN) else ''}.",
        lacks=f"Not the best on validation of those evaluated: {listed(wrong) or 'nothing was chosen'}.",
    )
    cheaper = [f"{search.method} {search.seed}" for search in ended if not _by_whole_recipe(evidence, search)]
    if cheaper:
        found.lacks.append(f"Chosen by a cheaper recipe, since none was trained by {chosen}: {listed(cheaper)}.")
    found.note(
        fits={"validation", "test"} <= set(splits),
        there=f"Validation and test are apart; samples: {listed(f'{name} {size}' for name, size in splits.items())}.",
        lacks="The run does not say how validation and test were split.",
    )
    unread = sum(search.test is None for search in evidence.searches)
    found.note(
        fits=not unread,
        there=f"Test is that of the chosen network by {read}, one number for each search.",
        lacks=f"{unread:,} searches have no test.",
    )
    found.note_missing(facts.missing, facts.wanted)
    return found


def baselines(evidence: Evidence, facts: Facts) -> Finding:
    """Whether random sampling and random search were run."""
    found = Finding()
    for name in BASELINES:
        seeds = [search.seed for search in evidence.of(name)]
        found.note(fits=bool(seeds), there=f"{name}: seeds {ranges(seeds)}.", lacks=f"{name} was not run.")
    return found


def seeds(evidence: Evidence, facts: Facts) -> Finding:
    """Whether there are several runs of each, with their seeds."""
    by_method = {method: [search.seed for search in evidence.of(method)] for method in evidence.asked.methods}
    told = listed(f"{method} {ranges(own)}" for method, own in by_method.items() if own)
    found = Finding()
    if all(len(own) > 1 for own in by_method.values()):
        found.there.append(f"Seeds of the searches: {told}.")
    few = [f"{method} ({len(own)})" for method, own in by_method.items() if len(own) < SEVERAL]
    if few:
        found.lacks.append(f"Fewer than {SEVERAL} seeds: {listed(few)}.")
    if evidence.asked.training_seed is None:
        found.lacks.append("The seeds of the trainings are not known: the table does not say them.")
    return found


def variants_of(evidence: Evidence) -> dict[str, list[str]]:
    """Method → its settings, of those that were run with several; methods are named as in `search.ways`."""
    found: dict[str, list[str]] = {}
    for name in evidence.asked.methods:
        if evidence.of(name):
            method, _, settings = name.partition(":")
            found.setdefault(method, []).append(settings or "the settings of its file")
    return {method: settings for method, settings in found.items() if len(settings) > 1}


def _unfinished(evidence: Evidence) -> dict[str, list[int]]:
    done = {(search.method, search.seed) for search in evidence.searches}
    asked = evidence.asked
    left = {method: [seed for seed in asked.seeds if (method, seed) not in done] for method in asked.methods}
    return {method: own for method, own in left.items() if own}


def _chosen_on_validation(search: Found) -> bool:
    if search.method == FIRST_TAKEN:
        return not search.steps or search.point == search.steps[0].point
    if not search.incumbents:
        return False
    last = search.incumbents[-1]
    seen = list(_seen(search))
    top = max((rung for rung, _ in seen), default=0)
    return last.point == search.point and last.validation >= max(value for rung, value in seen if rung == top)


def _by_whole_recipe(evidence: Evidence, search: Found) -> bool:
    """Whether a search chose among networks that were trained by the recipe that counts."""
    return evidence.top in {step.rung for step in search.steps} or search.warm > 0


def _seen(search: Found) -> Iterator[tuple[int, float]]:
    """Rung and value of all that a search saw; what was known before it began was on the highest rung of all."""
    yield from ((step.rung, step.value) for step in search.steps if step.value is not None)
    highest = max((step.rung for step in search.steps), default=0)
    yield from ((highest, one.validation) for one in search.incumbents if one.number == 0)
