"""A published table as one search sees it: of a network that was trained several times one training, drawn by a seed.

Whoever replays many searches would else be told the same training of a network in all of them, and which one that is were luck.
"""

from collections.abc import Callable
from typing import Any

from jitnas_fn.core.record import Record


class DrawnStore:
    """A view of a table.

    Parameters
    ----------
    table
        The whole: a `TableStore`.

    Attributes
    ----------
    seed
        By which trainings are drawn; whoever begins another search sets it.
    """

    def __init__(self, table: Any) -> None:
        self.table, self.seed = table, 0

    def get(self, key: str) -> Record | None:
        """The training of a network that was drawn; None if the table has no such network."""
        found: Record | None = self.table.drawn(key, self.seed)
        return found

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Everything else is as in the table."""
        found: Callable[..., Any] = getattr(self.table, name)
        return found

    def __len__(self) -> int:
        return len(self.table)
