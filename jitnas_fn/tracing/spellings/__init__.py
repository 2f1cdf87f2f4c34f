"""How torch spells each operation: the table of functions that a trace knows. What is not in it is refused."""

from jitnas_fn.tracing.spellings import (  # noqa: F401  (they fill the table)
    arithmetic,
    attention,
    constants,
    elementwise,
    layers,
    maps,
    masks,
    noise,
    parts,
    products,
    questions,
    recurrent,
    reductions,
    views,
)
from jitnas_fn.tracing.spellings.noise import MAKES_NEW
from jitnas_fn.tracing.spellings.questions import counted
from jitnas_fn.tracing.spellings.table import TABLE

__all__ = ["MAKES_NEW", "TABLE", "counted"]
