"""Practices that let others do the same again: pipeline, code, tables, and every detail."""

from importlib import metadata

from jitnas_fn.core import shelf
from jitnas_fn.core.published import Published
from jitnas_fn.reports.evidence import Evidence
from jitnas_fn.reports.facts import Facts
from jitnas_fn.reports.practices.finding import Finding, listed, ranges


def pipeline(evidence: Evidence, facts: Facts) -> Finding:
    """Whether others know how networks were trained."""
    found = Finding()
    for plan in evidence.plans:
        if isinstance(plan, Published):
            found.there.append(f"Recipe {plan.name} is known by its publication: {plan.source}.")
        else:
            found.there.append(f"The run states every field of recipe {plan.name} (SHA-256 {plan.sha256[:12]}…).")
    if facts.imported:
        found.lacks.append(
            f"{len(facts.imported):,} records are imported: neither code nor settings of their trainings are in them."
        )
    if facts.trained:
        versions = facts.counted("environment", "versions", "jitnas_fn")
        found.note(
            fits="unknown" not in versions,
            there=f"{len(facts.trained):,} records name the jitnas_fn that trained them: {listed(versions)}.",
            lacks=f"{versions['unknown']:,} records do not name the version of jitnas_fn that trained them.",
        )
    found.note_missing(facts.missing, facts.wanted)
    return found


def code(evidence: Evidence, facts: Facts) -> Finding:
    """Whether others have the methods."""
    found = Finding()
    names = list(dict.fromkeys(method.partition(":")[0] for method in evidence.asked.methods))  # without their settings
    known = [name for name in names if name in shelf.names("searchers")]
    unknown = [name for name in names if name not in known]
    ran_by, here = evidence.asked.versions.get("jitnas_fn"), _installed()
    if known:
        found.there.append(f"Files of jitnas_fn/searchers: {listed(known)}.")
    if unknown:
        found.lacks.append(f"No file of this jitnas_fn: {listed(unknown)}; publish their code.")
    if ran_by is None:
        found.lacks.append("The run does not name the version of jitnas_fn that searched.")
    elif ran_by != here:
        found.lacks.append(f"jitnas_fn {ran_by} searched, and this is {here}: whether the files are the same is not kept.")
    else:
        found.there.append(f"The run was made by jitnas_fn {ran_by}.")
    return found


def early(evidence: Evidence, facts: Facts) -> Finding:
    """Whether that was published as it was used."""
    return Finding(lacks=["A run does not show what was published, and when: publish its folder and the code as they are."])


def tabular(evidence: Evidence, facts: Facts) -> Finding:
    """Whether a benchmark that everybody has was used."""
    table = evidence.asked.table
    if table is None:
        return Finding(lacks=[f"Every network was trained. {_tables(evidence.asked.space)}"])
    sha256 = f", SHA-256 {str(table['sha256'])[:12]}…" if table.get("sha256") else ""
    found = Finding(there=[f"Replayed on {table['name']} ({table.get('source', 'source unknown')}{sha256})."])
    if not sha256:
        found.lacks.append("The run does not say which file of the table it was.")
    return found


def details(evidence: Evidence, facts: Facts) -> Finding:
    """Whether nothing is left to be guessed."""
    asked = evidence.asked
    budget = [f"{value:,g} {name}" for name, value in asked.budget.items() if value is not None]
    bounds = [f"{name} {value:,}" for name, value in asked.bounds.items() if value is not None]
    found = Finding()
    found.there.append(
        f"Stated: space {asked.space}, dataset {asked.dataset['name']}, recipes {listed(p.name for p in evidence.plans)}, "
        f"budget of each search {listed(budget) or 'none'}, bounds of networks {listed(bounds) or 'none'}, "
        f"{asked.in_flight} under way at most, {len(asked.warm)} points known before, "
        f"methods {listed(asked.methods)}, seeds {ranges(asked.seeds)}."
    )
    sha256, versions = asked.dataset.get("sha256"), asked.versions
    found.note(
        fits=bool(sha256),
        there=f"The dataset has SHA-256 {str(sha256)[:12]}….",
        lacks="The dataset is known by its name alone, without a hash of its content.",
    )
    found.note(
        fits=asked.training_seed is not None,
        there=f"Trainings have seed {asked.training_seed}.",
        lacks="The seeds of the trainings are not known.",
    )
    found.note(
        fits=bool(versions) and None not in versions.values(),
        there=f"Searched with {listed(f'{name} {version}' for name, version in versions.items())}.",
        lacks="The run does not name all versions of the software that searched.",
    )
    return found


def _tables(space: str) -> str:
    tables = {name: shelf.take("tables", name).TABLE for name in shelf.names("tables")}
    fits = [name for name, table in tables.items() if table.space == space and table.chosen_by is not None]
    if fits:
        return f"There is a table of this space: replay the methods on {listed(fits)} as well (jitnas compare --replay)."
    rest = [name for name, table in tables.items() if table.chosen_by is not None]
    return f"There is no table of {space} here; replay the methods on {listed(rest)} as well (jitnas compare --replay)."


def _installed() -> str:
    try:
        return metadata.version("jitnas_fn")
    except metadata.PackageNotFoundError:
        return "unknown"
