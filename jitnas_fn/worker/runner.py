"""One task, from its order to its record: trained in a child, watched from here."""

import time
from dataclasses import dataclass, field

from jitnas_fn.core.codec import Json
from jitnas_fn.core.envelope import raised
from jitnas_fn.core.errors import Cancelled, WorkerLost
from jitnas_fn.core.record import Record
from jitnas_fn.worker.board import Board, Run
from jitnas_fn.worker.children import CHILDREN, Child
from jitnas_fn.worker.ending import Ending, record_of
from jitnas_fn.worker.orders import Order
from jitnas_fn.worker.site import Site

LOOK_SECONDS = 0.1  # how often cancel file and clock are looked at
SHOW_SECONDS = 0.5  # how often the status file is written
KEEP_SECONDS = 3600.0  # how often the files of a run that says nothing are kept from looking stale


def run(order: Order, this: Run, *, site: Site, board: Board, token: int = 0) -> Record:
    """Train what `order` asks for.

    Parameters
    ----------
    order
        The task, checked.
    this
        The run under which it is shown on the board, and may be cancelled.
    site
        Where it is trained.
    board
        Of that site.
    token
        Fencing token of the lease under which it is trained; 0 without one.

    Raises
    ------
    Cancelled
        If a cancel file of this run appeared.
    WorkerLost
        If the child died; nothing is recorded.
    JitnasError
        Whatever else went wrong in the child.
    """
    check_wanted(order, this, board)
    with CHILDREN.borrowed(threads=site.cores(), fresh=order.is_code) as child:
        ending = _Watch(child, order, this, site=site, board=board).until_the_end()
    return record_of(order, ending, site=site, token=token)


def check_wanted(order: Order, this: Run, board: Board) -> None:
    """Raise `Cancelled` if a cancel file of this run appeared."""
    if board.cancelled(this):
        raise _cancelled(order)


@dataclass(slots=True)
class _Watch:
    """A child at work on one order."""

    child: Child
    order: Order
    run: Run
    site: Site
    board: Board
    ending: Ending = field(default_factory=Ending)
    shown: float = -SHOW_SECONDS
    kept: float = field(default_factory=time.monotonic)

    def until_the_end(self) -> Ending:
        """Follow the child until it has an outcome, or its time is up."""
        began = time.monotonic()
        self.board.show(self.run, "training")
        self.child.send(self.order.to_child(self.site.device))
        while True:
            event = self.child.next_event(LOOK_SECONDS)
            if self.board.cancelled(self.run):
                self.child.kill()
                raise _cancelled(self.order)
            self._keep()
            self.ending.wall_seconds = time.monotonic() - began
            if event is None:
                if self._time_is_up():
                    self.child.kill()
                    self.ending.outcome = {"verdict": "over_time"}
                    return self.ending
            elif event.get("event") == "error":
                raise raised(event["error"])
            elif self._is_last(event):
                return self.ending

    def _is_last(self, event: Json) -> bool:
        match event.get("event"):
            case "started":
                self.ending.environment = event["environment"]
            case "built":
                self.ending.size = event["size"]
            case "epoch":
                self.ending.history.append(event["metrics"])
                self._show(event)
            case "outcome":
                self.ending.outcome = event
                return True
            case other:
                raise WorkerLost(f"the training process said {str(other)[:40]!r}, which nobody understands")
        return False

    def _time_is_up(self) -> bool:
        seconds = self.order.limits.seconds
        return seconds is not None and self.ending.wall_seconds > seconds + self.site.grace_seconds

    def _show(self, event: Json) -> None:
        now = time.monotonic()
        if now - self.shown >= SHOW_SECONDS:
            self.shown = now
            progress = {name: event[name] for name in ("epoch", "epochs", "metrics", "seconds_left")}
            self.board.show(self.run, "training", progress=progress)

    def _keep(self) -> None:
        now = time.monotonic()
        if now - self.kept >= KEEP_SECONDS:
            self.kept = now
            self.board.keep()


def _cancelled(order: Order) -> Cancelled:
    return Cancelled(f"task {order.task.key[:12]}… was cancelled on request")
