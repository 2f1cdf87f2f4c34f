"""Practices of time and machines: compute, confounders, tuning, and what it all cost."""

from jitnas_fn.reports.evidence import Evidence
from jitnas_fn.reports.facts import Facts
from jitnas_fn.reports.practices.fairness import variants_of
from jitnas_fn.reports.practices.finding import Finding, listed
from jitnas_fn.search.found import Step

MACHINE = {
    "device": ("environment", "device"),
    "threads": ("environment", "threads"),
    "platform": ("environment", "platform"),
    "jitnas_fn": ("environment", "versions", "jitnas_fn"),
    "torch": ("environment", "versions", "torch"),
    "python": ("environment", "versions", "python"),
    "numpy": ("environment", "versions", "numpy"),
}


def compute(evidence: Evidence, facts: Facts) -> Finding:
    """Whether what was reached is told for each budget."""
    steps = sum(len(search.steps) for search in evidence.searches)
    found = Finding(there=[f"The best so far is known after each of {steps:,} evaluations."])
    untimed = sum(is_untimed(step) for search in evidence.searches for step in search.steps)
    found.note(
        fits=not untimed,
        there="It is known after each second of training too.",
        lacks=f"{untimed:,} evaluations have no seconds, so what is reached after how many is not known.",
    )
    found.note_missing(facts.missing, facts.wanted)
    if facts.on_seconds:
        found.lacks.append(facts.on_seconds)
    return found


def is_untimed(step: Step) -> bool:
    """Whether a record stands behind this that does not say what it cost; who asks again pays nothing."""
    return step.value is not None and not step.again and not step.seconds


def confounders(evidence: Evidence, facts: Facts) -> Finding:
    """Whether hardware, libraries and time were the same for all."""
    found = Finding()
    if facts.imported:
        found.there.append(f"All methods read the same {len(facts.imported):,} imported records.")
        found.lacks.append("Of imported records hardware, versions of libraries and seeds are unknown.")
    if facts.trained:
        for what, place in MACHINE.items():
            said = facts.counted(*place)
            one = len(said) == 1 and "unknown" not in said
            told = listed(f"{value} ({count:,} records)" for value, count in said.most_common())
            found.note(fits=one, there=f"{what}: {next(iter(said))}.", lacks=f"{what} is not one and the same: {told}.")
    found.note_missing(facts.missing, facts.wanted)
    if not facts.records and not facts.missing:
        found.lacks.append("No training has come to its end.")
    return found


def tuning(evidence: Evidence, facts: Facts) -> Finding:
    """Whether the tuning of methods is told, and its time counted."""
    several = [f"{method} with {listed(settings)}" for method, settings in variants_of(evidence).items()]
    found = Finding(there=[f"Run here in several settings, each with its cost: {listed(several)}."] if several else [])
    found.lacks.append("Whether the settings of methods were tuned before, and in what time, is in no run.")
    found.lacks.append("Say it, and count that time.")
    return found


def end_to_end(evidence: Evidence, facts: Facts) -> Finding:
    """Whether all that it cost is told."""
    found = Finding()
    timed = len(facts.records) - facts.untimed
    if timed:
        found.there.append(f"Trainings: {facts.seconds:,.0f} s together by {timed:,} records, each counted once, whoever paid.")
    if facts.untimed:
        found.lacks.append(f"{facts.untimed:,} records do not say what their training cost.")
    if facts.missing:
        found.lacks.append(f"{facts.missing:,} of {facts.wanted:,} records are not at hand: what they cost is not counted.")
    if facts.on_seconds:
        found.lacks.append(facts.on_seconds)
    took = sum(search.took_seconds for search in evidence.searches)
    found.there.append(f"Searches: {took:,.0f} s on the clock of whoever searched, what was waited for included.")
    if facts.energy:
        found.there.append(facts.energy)
    return found
