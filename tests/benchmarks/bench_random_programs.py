"""Random networks: one key for every spelling, another after one change, and never one key for two that differ.

Half of the programs are drawn from so few choices that many are the same network. Each is traced as it is, in a spelling that
must keep its key, in a bolder one that may lose it, and after one change in one place. All that have one key, whatever way it
came about, are run in float64 with weights told by their names in the document, and must do the same.
"""

import argparse
import re
import sys
import time
from collections import Counter

import torch

from tests.tracing.programs.behaviour import behaviour, difference
from tests.tracing.programs.classes import Classes
from tests.tracing.programs.drawing import drawn
from tests.tracing.programs.keys import Keyed, keyed
from tests.tracing.programs.mutation import KINDS, mutated
from tests.tracing.programs.specification import Mutation, Program
from tests.tracing.programs.spelling import FEATURES, Spelling, respelled

SHOWN = 10
Counts = Counter[str]


class Run:
    """Counts over all programs."""

    def __init__(self) -> None:
        self.classes = Classes()
        self.counts: Counts = Counter()
        self.refusals: Counts = Counter()
        self.mutations: dict[str, Counts] = {kind: Counter() for kind in KINDS}
        self.splits: list[str] = []
        self.bold: Counts = Counter()
        self.wrong: Counts = Counter()  # what was changed where two networks then had one key

    def keyed(self, program: Program, spelling: Spelling | None = None) -> Keyed:
        """The key, noted and compared with all networks of the same."""
        found = keyed(program, spelling)
        self.counts["traced"] += bool(found.fingerprint)
        self.counts["keyed"] += found.validated
        if found.refusal:
            self.refusals[_reason(found.refusal)] += 1
            self.counts["refused by validation alone"] += bool(found.fingerprint)
        if found.fingerprint:
            try:
                self.classes.add(found)
            except (RuntimeError, ValueError):  # it does not run: validation has refused it
                self.counts["does not run"] += 1
                if found.validated:
                    raise
        return found

    def program(self, number: int) -> None:
        """One program, its spellings and its mutation."""
        program = drawn(number, simple=number % 2 == 1, longest=7 if number % 2 else 9)
        self.counts["programs"] += 1
        original = self.keyed(program)
        if not original.key:
            self.counts["programs refused"] += 1
            return
        self._respelled(program, original, number)
        self._bold(program, original, number)
        self._mutated(program, original, number)

    def _respelled(self, program: Program, original: Keyed, number: int) -> None:
        other = self.keyed(program, respelled(program, number))
        outcome = "kept" if other.key == original.key else "split" if other.key else "refused"
        self.counts[f"respelled: {outcome}"] += 1
        if outcome != "kept":
            features = _blamed(program, original, number, bold=False)
            self.splits.append(f"{outcome} by {features}: {other.refusal[:200]}\n{program}\n")

    def _bold(self, program: Program, original: Keyed, number: int) -> None:
        other = self.keyed(program, respelled(program, number, bold=True))
        outcome = "kept" if other.key == original.key else "split" if other.key else "refused"
        self.counts[f"boldly respelled: {outcome}"] += 1
        if outcome != "kept":
            self.bold[f"{outcome} by {_blamed(program, original, number, bold=True)}"] += 1

    def _mutated(self, program: Program, original: Keyed, number: int) -> None:
        mutation = mutated(program, number)
        if mutation is None:
            self.counts["no mutation"] += 1
            return
        before = len(self.classes.disagreements)
        other = self.keyed(mutation.program)
        wrong = self.classes.disagreements[before:]
        self.wrong.update(f"{mutation.kind}, {mutation.where}" for _ in wrong)
        counts = self.mutations[mutation.kind]
        counts["all"] += 1
        counts["refused"] += not other.key
        counts["another key"] += bool(other.key) and other.key != original.key
        counts["the same key"] += other.key == original.key
        counts["WRONGLY"] += len(wrong)
        if other.key:
            counts["shown to differ in place"] += _differ_in_place(original, other, mutation)


def _differ_in_place(one: Keyed, other: Keyed, mutation: Mutation) -> bool:
    """Whether the two differ with each weight where it was; a change that only renames weights is such a one as well."""
    told = [{f"p{i}.{name}": t for (i, name), t in keyed.builder.places.items()} for keyed in (one, other)]
    return bool(difference(behaviour(one, named=told[0]), behaviour(other, named=told[1])))


def _blamed(program: Program, original: Keyed, number: int, *, bold: bool) -> str:
    """The features that lose the key each by itself."""
    alone = [f for f in FEATURES if keyed(program, respelled(program, number, [f], bold=bold)).key != original.key]
    return ", ".join(alone) or "several together"


def _reason(refusal: str) -> str:
    """A refusal without its numbers and names."""
    return re.sub(r"[0-9][0-9.e+-]*", "#", re.sub(r"\([a-z_]+\.py, line \d+\)|parts\.\S+|body\.\S+", "", refusal))[:130]


def report(run: Run, seconds: float) -> int:
    """Print what was found; the number of disagreements of validated networks."""
    counts, classes = run.counts, run.classes
    shared = sum(size > 1 for size in classes.sizes.values())
    print(f"programs                  {counts['programs']:8,}   refused {counts['programs refused']:,}")
    print(f"networks traced           {counts['traced']:8,}   of them validated {counts['keyed']:,}")
    print(f"classes                   {len(classes.firsts):8,}   with several networks {shared:,}")
    for name in ("respelled", "boldly respelled"):
        kept, split, refused = (counts[f"{name}: {outcome}"] for outcome in ("kept", "split", "refused"))
        print(f"{name:25} {kept + split + refused:8,}   kept {kept:,}, split {split:,}, refused {refused:,}")
    for kind, found in run.mutations.items():
        print(
            f"mutation: {kind:15} {found['all']:8,}   "
            + ", ".join(f"{name} {n:,}" for name, n in found.items() if name != "all")
        )
    print(f"rebuilt networks verified {classes.rebuilt:8,}")
    print(f"equal keys verified       {classes.verified:8,}   original beside original")
    wrong = [one for one in classes.disagreements if one.validated]
    alone = [one for one in classes.disagreements if not one.validated]
    print(f"disagreements             {len(wrong):8,}   must be 0")
    print(f"validate=False            {len(alone):8,}   keys that the trace alone would give and the original does not keep")
    print(f"                          {counts['refused by validation alone']:8,}   refused by validation alone")
    print("wrong merges after:", *[f"{count:6,} {what}" for what, count in run.wrong.most_common(SHOWN)], sep="\n")
    for one in [*wrong[:SHOWN], *alone[:SHOWN]]:
        print(one)
    for split in run.splits[:SHOWN]:
        print("FALSE SPLIT", split)
    print("bold spellings lost:", *[f"{count:6,} {what}" for what, count in run.bold.most_common(SHOWN)], sep="\n")
    print("refusals:", *[f"{count:6,} {what}" for what, count in run.refusals.most_common(SHOWN)], sep="\n")
    print(f"run time {seconds:.0f} s")
    return len(wrong)


def main() -> int:
    """1 if two networks that differ have one key."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="programs")
    parser.add_argument("--seconds", type=float, default=600.0, help="stop after these")
    parser.add_argument("--first", type=int, default=0, help="number of the first program")
    options = parser.parse_args()
    torch.set_num_threads(1)
    run, began = Run(), time.perf_counter()
    for done in range(options.count):
        run.program(options.first + done)
        if done % 250 == 249:
            print(f"{done + 1:,} programs after {time.perf_counter() - began:.0f} s", flush=True)
        if time.perf_counter() - began > options.seconds:
            break
    return 1 if report(run, time.perf_counter() - began) else 0


if __name__ == "__main__":
    sys.exit(main())
