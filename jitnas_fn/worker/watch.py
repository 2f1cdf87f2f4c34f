"""A child at work on one order, watched: cancelled, out of time, told to stop before the job ends."""

import time
import warnings
from dataclasses import dataclass, field

from jitnas_fn.core.codec import Json
from jitnas_fn.core.envelope import raised
from jitnas_fn.core.errors import Cancelled, WorkerLost
from jitnas_fn.worker import slurm, termination
from jitnas_fn.worker.board import Board, Run
from jitnas_fn.worker.children import Child
from jitnas_fn.worker.ending import Ending
from jitnas_fn.worker.orders import Order
from jitnas_fn.worker.pace import Pace
from jitnas_fn.worker.site import Site

LOOK_SECONDS = 0.1  # how often cancel file and clock are looked at
SHOW_SECONDS = 0.5  # how often the status file is written
KEEP_SECONDS = 60.0  # how often the files of a run that says nothing are kept from looking silent
NEAR_SECONDS = 5.0  # so near to the job's end nothing is waited for any more
TERMINATION_SECONDS = 20.0  # ... nor so long after SIGTERM, which Slurm lets SIGKILL follow, 30 s later unless set otherwise


@dataclass(slots=True)
class Watch:
    """What is known of a run while it goes on.

    Attributes
    ----------
    order, run, site, board
        What is trained, under which name, and where.
    ending
        What is known of it so far.
    why
        Why the child was told to stop; empty if it was not.
    out_of_time
        Whether that is since the training does not fit into the job.
    """

    order: Order
    run: Run
    site: Site
    board: Board
    ending: Ending = field(default_factory=Ending)
    why: str = ""
    out_of_time: bool = False
    pace: Pace = field(init=False)
    shown: float = -SHOW_SECONDS
    touched: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.pace = Pace(epochs=self.order.task.recipe.epochs, margin_seconds=self.site.margin_seconds)

    def until_the_end(self, child: Child) -> Ending:
        """Follow the child until it has an outcome, stopped, or is ended because its time is up; then there is no outcome.

        Raises
        ------
        Cancelled
            If a cancel file of this run appeared.
        WorkerLost
            If the child died.
        JitnasError
            Whatever else went wrong in the child.
        """
        began = time.monotonic()
        self.board.show(self.run, "training")
        child.send({**self.order.to_child(self.site.device), "checkpoints": self._checkpoints()})
        while True:
            event = child.next_event(LOOK_SECONDS)
            if self.board.cancelled(self.run):
                child.kill()
                raise cancelled(self.order)
            self._keep()
            self.ending.wall_seconds = time.monotonic() - began
            if event is not None and event.get("event") == "error":
                raise raised(event["error"])
            if event is not None and self._is_last(event):
                return self.ending
            if event is None and self._time_is_up():
                child.kill()
                self.ending.outcome = {"verdict": "over_time"}
                return self.ending
            if self._job_ends(child):
                child.kill()
                return self.ending

    def _is_last(self, event: Json) -> bool:
        match event.get("event"):
            case "started":
                self.ending.environment = event["environment"]
            case "built":
                self.ending.size = event["size"]
                self.pace.begin()
            case "note":
                warnings.warn(event["text"], UserWarning, stacklevel=2)
            case "earlier":
                self.ending.history += event["history"]
            case "resumed":
                self.ending.earlier, self.ending.kept = event, event["epoch"]
                self.pace.begin(done=event["epoch"], seconds=event["seconds"])
                self._show({"epoch": event["epoch"], "metrics": self.ending.history[-1], "seconds_left": None})
            case "epoch":
                self.ending.history.append(event["metrics"])
                self.ending.kept = event["kept"]
                self.pace.epoch_over(event["epoch"])
                self._show(event)
            case "outcome":
                self.ending.outcome = event
                return True
            case "stopped":
                self.ending.kept = event["epoch"]
                self.why = self.why or "its process was told to end"
                return True
            case other:
                raise WorkerLost(f"the training process said {str(other)[:40]!r}, which nobody understands")
        return False

    def _time_is_up(self) -> bool:
        seconds = self.order.limits.seconds
        return seconds is not None and self.ending.seconds > seconds + self.site.grace_seconds

    def _job_ends(self, child: Child) -> bool:
        """Whether the end of the job is so near that the child is not waited for. Before that, it is told to stop."""
        left, since = slurm.seconds_left(), termination.seconds_since()
        if not self.why:
            if since is not None:
                self.why = "this process was told to end"
            elif left is not None and self.pace.must_halt(left):
                self.why, self.out_of_time = f"{max(left, 0):.0f} s are left, too few for another epoch", True
                if self.pace.is_hopeless(left):
                    return True
            if self.why:
                child.send({"stop": True})
        if since is not None:
            return since > TERMINATION_SECONDS
        return bool(self.why) and left is not None and left < min(NEAR_SECONDS, self.site.margin_seconds)

    def _checkpoints(self) -> Json | None:
        site = self.site
        if not site.checkpoint_bytes:
            return None
        folder, most_bytes = str(site.checkpoints().absolute()), site.checkpoint_bytes
        return {"folder": folder, "most_bytes": most_bytes, "every_seconds": site.checkpoint_seconds}

    def _show(self, event: Json) -> None:
        now = time.monotonic()
        if now - self.shown >= SHOW_SECONDS:
            self.shown = now
            progress = {name: event[name] for name in ("epoch", "metrics", "seconds_left")}
            of_attempts = {"kept": self.ending.kept, "resumed": self.ending.earlier.get("epoch", 0), "job": slurm.job_id()}
            self.board.show(self.run, "training", progress={**progress, "epochs": self.pace.epochs, **of_attempts})

    def _keep(self) -> None:
        now = time.monotonic()
        if now - self.touched >= KEEP_SECONDS:
            self.touched = now
            self.board.keep()


def cancelled(order: Order) -> Cancelled:
    """The error that says so."""
    return Cancelled(f"task {order.task.key[:12]}… was cancelled on request")
