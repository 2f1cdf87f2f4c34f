"""Where an evaluation stands, as one value."""

import html
from dataclasses import dataclass, field

from jitnas_fn.client.standings import one_line, printable, rounded
from jitnas_fn.core.bounds import LONGEST_SECONDS, finite, whole
from jitnas_fn.core.codec import Json
from jitnas_fn.core.recipe import RANGES

MOST_SHOWN = 4  # metrics in a line
MOST_REASON_LETTERS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where an evaluation stands.

    Attributes
    ----------
    state
        "queued" (sent), "pending" (in the scheduler, with its reason), "in flight" (somebody else has it trained), "training",
        "done", "failed" or "cancelled".
    epoch, epochs
        Epochs finished and epochs in all; None while unknown.
    metrics
        `metrics[split][metric]` of the last finished epoch.
    seconds_left
        Estimate for the rest of the training; None while unknown. [seconds]
    reason
        Why it failed or is pending, or where the answer came from.
    job
        Of the scheduler, in which it is trained; None while unknown.
    """

    state: str
    epoch: int | None = None
    epochs: int | None = None
    metrics: Json = field(default_factory=dict)
    seconds_left: float | None = None
    reason: str | None = None
    job: str | None = None

    def __str__(self) -> str:
        """One line for people."""
        parts = [self.state if self.reason is None else f"{self.state} ({one_line(self.reason)})"]
        if self.epoch is not None and self.epochs:
            parts.append(f"epoch {self.epoch}/{self.epochs}")
        parts += [f"{split} {name} {rounded(value)}" for split, name, value in self.shown()]
        if self.seconds_left is not None:
            parts.append(f"{self.seconds_left:.0f} s left")
        return "  ".join(parts)

    def _repr_html_(self) -> str:
        """For a notebook: the line, with a bar for the epochs. It stays as it was when it was asked for."""
        bar = (
            f'<progress value="{self.epoch}" max="{self.epochs}"></progress> ' if self.epoch is not None and self.epochs else ""
        )
        return f"{bar}<span>{html.escape(str(self))}</span>"

    def shown(self) -> list[tuple[str, str, float]]:
        """(split, metric, value) of what is worth a glance: the validation part, without the loss, in printable names."""
        measured = _numbers(self.metrics.get("validation"))
        named = [("validation", printable(name), value) for name, value in measured.items() if name != "loss"]
        return named[:MOST_SHOWN]

    @classmethod
    def from_answer(cls, answer: Json) -> "Status":
        """The status in a site's answer to the verb status; what is malformed in it is left out."""
        metrics, reason = answer.get("metrics"), answer.get("reason")
        return cls(
            state=printable(answer.get("state")),
            epoch=_epochs(answer.get("epoch")),
            epochs=_epochs(answer.get("epochs")),
            metrics={split: _numbers(measured) for split, measured in metrics.items()} if isinstance(metrics, dict) else {},
            seconds_left=finite(answer.get("seconds_left"), least=0, most=LONGEST_SECONDS),
            reason=one_line(reason[:MOST_REASON_LETTERS]) if isinstance(reason, str) else None,
            job=printable(answer["job"]) if isinstance(answer.get("job"), str) else None,
        )


def pending(blocks: object) -> Status:
    """The status of what was sent and is nowhere yet, with what the site says of its jobs: {pending, running, reason}."""
    told = blocks if isinstance(blocks, dict) else {}
    if whole(told.get("pending")) and not whole(told.get("running")):
        return Status(state="pending", reason=one_line(str(told.get("reason"))[:MOST_REASON_LETTERS]))
    return Status(state="queued")


def _epochs(value: object) -> int | None:
    return whole(value, most=RANGES["epochs"][1])


def _numbers(measured: object) -> dict[str, float]:
    """What of a split's metrics is a number."""
    found = {name: finite(value) for name, value in measured.items()} if isinstance(measured, dict) else {}
    return {name: value for name, value in found.items() if value is not None}
