"""The work behind what ended early is withdrawn or stopped: here where it is queued, at the site where it is not."""

import time
from collections.abc import Sequence
from typing import Protocol

from jitnas_fn.client.control import Ask, Item, told_of_all

PAUSES_SECONDS = (0.02, 0.05, 0.1, 0.2, 0.4)


class Stoppable(Protocol):
    """What has work behind it."""

    @property
    def item(self) -> Item:
        """What the site knows it by."""

    def withdraw(self) -> bool:
        """Take back what is queued; whether the site has to be told, since it may have begun."""

    def is_answered(self) -> bool:
        """Whether nothing of it can begin any more."""


def stop_work(of: Sequence[Stoppable], ask: Ask | None) -> None:
    """Withdraw or stop the work. A task that has only just started may not be known to the site yet: ask again.

    Parameters
    ----------
    of
        What ended.
    ask
        Control path to the site, None if there is none.
    """
    left = [one for one in of if one.withdraw()]
    for pause_seconds in PAUSES_SECONDS:
        answers = told_of_all(ask, "cancel", [one.item for one in left]) if left else None
        if answers is None:
            return
        unknown = [one for one, answer in zip(left, answers, strict=True) if answer.get("state") == "unknown"]
        left = [one for one in unknown if not one.is_answered()]
        if left:
            time.sleep(pause_seconds)
