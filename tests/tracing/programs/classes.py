"""Programs by their key: within a class, every original must do what the first one does, weight by weight."""

from dataclasses import dataclass, field

from tests.tracing.programs.behaviour import Behaviour, behaviour, difference, rebuilt_behaviour
from tests.tracing.programs.keys import Keyed
from tests.tracing.programs.specification import Program


@dataclass(slots=True)
class Disagreement:
    """Two networks of one key that do different things, or a network and what is rebuilt from its document."""

    fingerprint: str
    first: Program
    second: Program
    what: str
    validated: bool

    def __str__(self) -> str:
        kind = "with validation" if self.validated else "by the trace alone (validation refuses one of them)"
        return f"ONE KEY, TWO NETWORKS {kind}: {self.what}\n{self.first}\n-- and --\n{self.second}\n"


@dataclass(slots=True)
class Classes:
    """What was seen so far.

    Attributes
    ----------
    firsts
        Fingerprint -> the program that had it first, what it does, and whether it was validated.
    sizes
        Fingerprint -> number of programs.
    verified
        How many networks were compared with the first of their class.
    """

    firsts: dict[str, tuple[Program, Behaviour, bool]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    verified: int = 0
    rebuilt: int = 0
    disagreements: list[Disagreement] = field(default_factory=list)

    def add(self, keyed: Keyed) -> bool:
        """Compare a network that has a fingerprint with its class; whether it agrees."""
        program, found = keyed.builder.program, behaviour(keyed)
        self.sizes[keyed.fingerprint] = self.sizes.get(keyed.fingerprint, 0) + 1
        if keyed.fingerprint not in self.firsts:
            self.firsts[keyed.fingerprint] = program, found, keyed.validated
            self.rebuilt += 1
            return self._agree(keyed, program, difference(found, rebuilt_behaviour(keyed)), keyed.validated)
        first, expected, validated = self.firsts[keyed.fingerprint]
        self.verified += 1
        return self._agree(keyed, first, difference(expected, found), validated and keyed.validated)

    def _agree(self, keyed: Keyed, first: Program, what: str, validated: bool) -> bool:
        if what:
            self.disagreements.append(Disagreement(keyed.fingerprint, first, keyed.builder.program, what, validated))
        return not what
