"""One task, from its order to its record: trained in a child, from where an earlier attempt had come to."""

from jitnas_fn.core.errors import WalltimeExceeded, WorkerLost
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import HASH
from jitnas_fn.training import checkpoint_files
from jitnas_fn.worker import jobs_end, slurm, termination
from jitnas_fn.worker.board import Board, Run
from jitnas_fn.worker.children import CHILDREN
from jitnas_fn.worker.ending import record_of
from jitnas_fn.worker.orders import Order
from jitnas_fn.worker.site import Site
from jitnas_fn.worker.watch import Watch, cancelled


def run(order: Order, this: Run, *, site: Site, board: Board, token: int = 0) -> Record:
    """Train what `order` asks for, from where an earlier attempt here had come to.

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

    Returns
    -------
    Record
        Its checkpoints stay for a day. Once it is safe, call `forget`.

    Raises
    ------
    Cancelled
        If a cancel file of this run appeared.
    WalltimeExceeded
        If the job that this process runs in ends before the training would, or SIGTERM came; it tells what is kept.
    WorkerLost
        If the child died; nothing is recorded.
    JitnasError
        Whatever else went wrong in the child.
    """
    check_wanted(order, this, board)
    with termination.heard(), jobs_end.at_work(this):
        _check_time_is_left(order, site)
        watch = Watch(order, this, site=site, board=board)
        try:
            with CHILDREN.borrowed(threads=site.cores(), fresh=order.is_code) as child:
                ending = watch.until_the_end(child)
        except WorkerLost as reason:  # the signal that came here may have come there before there was a handler
            if termination.seconds_since() is None:
                raise
            raise _stopped(order, watch.ending.kept, f"this process was told to end; {reason}") from None
        if not ending.outcome:
            if watch.out_of_time:
                jobs_end.announce_the_end()
            raise _stopped(order, ending.kept, watch.why)
        if HASH.fullmatch(order.task.key):
            checkpoint_files.leave_a_day(site.checkpoints(), order.task.key)
        return record_of(order, ending, site=site, token=token)


def forget(record: Record, site: Site) -> None:
    """Remove the checkpoints of a task whose record is safe: kept by a store, or with who asked for it.

    A record that met a limit leaves them: asked for again under a larger one, within a day, the training goes on from there.
    """
    if HASH.fullmatch(record.key) and record.limits is None:
        checkpoint_files.clear(site.checkpoints(), record.key)


def check_wanted(order: Order, this: Run, board: Board) -> None:
    """Raise `Cancelled` if a cancel file of this run appeared."""
    if board.cancelled(this):
        raise cancelled(order)


def _check_time_is_left(order: Order, site: Site) -> None:
    """Raise `WalltimeExceeded` if not even one epoch can be expected before this process ends."""
    left = slurm.seconds_left()
    if termination.seconds_since() is not None or jobs_end.is_ending():
        raise _stopped(order, None, "this process was told to end")
    if left is not None and left < site.margin_seconds:
        jobs_end.announce_the_end()
        raise _stopped(order, None, f"{max(left, 0):.0f} s are left, and {site.margin_seconds:g} are needed to begin")


def _stopped(order: Order, kept: int | None, why: str) -> WalltimeExceeded:
    """The error that says so: with the epoch that is kept, which is None where nothing was begun."""
    job, epochs = slurm.job_id(), order.task.recipe.epochs
    where = f"Slurm job {job}: " if job else ""
    state = f"epoch {kept} of {epochs} is kept" if kept else f"none of {epochs} epochs is kept"
    state = "it was not begun" if kept is None else state
    error = WalltimeExceeded(f"task {order.task.key[:12]}… was not trained to its end ({where}{why}); {state}: ask again")
    error.kept = kept
    return error
