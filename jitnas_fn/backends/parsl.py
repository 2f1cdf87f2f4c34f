"""A cluster, from its login node: Parsl asks Slurm for blocks, and each block trains tasks until it has none."""

import atexit
import re
import shlex
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from jitnas_fn.backends._blocks import Blocks, blocks_of
from jitnas_fn.backends._kernel import Kernel, is_calling_back
from jitnas_fn.backends._site_file import stated_in
from jitnas_fn.core.errors import SiteFileError, SiteUnavailable

SCALING_SECONDS = 2.0  # how often Parsl compares tasks and blocks
LOST_BEATS = 3  # of a block, after which it counts as lost
HARMFUL = re.compile(r"[\s\"'$&|;<>(){}`\\]")  # in the path of a folder that Parsl writes into commands as it is
DRAIN_SHARE = 0.1  # of the walltime, in which a block takes no new task


def parsl(site: str | Path) -> Executor:
    """An executor that trains in Slurm jobs, for people on a login node. It needs `pip install 'jitnas_fn[parsl]'`.

    Blocks are asked for when there are tasks and given back when there are none. The executor has a `control` path, which a
    `Client` finds by itself: what needs no GPU is answered on the login node, from the folder and the store of the site.

    Parameters
    ----------
    site
        Site file: what a worker needs to know (name, folder, store, accepts, …), and a table `[blocks]`, which says what jobs
        to ask for. Its folders must be seen by all nodes.

    Raises
    ------
    SiteFileError
        If the file cannot be read, or says something that it may not.
    SiteUnavailable
        If Parsl is not installed.
    """
    from jitnas_fn.worker.site import site_of, use

    path = Path(site).expanduser().resolve()
    stated = stated_in(path)
    blocks, here = blocks_of(stated, path), site_of(stated, path)
    folder = here.place() / "parsl"
    if HARMFUL.search(str(folder)):
        raise SiteFileError(
            f"site file {path}: Parsl writes {folder} into commands of shell as it is; "
            "choose a folder without spaces, quotation marks, and $ & | ; < > ( ) { } ` \\"
        )
    try:
        import parsl as _  # noqa: F401
    except ImportError as reason:
        raise SiteUnavailable(f"Parsl is missing ({reason}): pip install 'jitnas_fn[parsl]'") from None
    control = ThreadPoolExecutor(1, thread_name_prefix="jitnas-control", initializer=use, initargs=(here,))
    return _Parsl(blocks, site_file=path, folder=folder, control=control)


class _Parsl(Executor):
    """Parsl behind the interface of `concurrent.futures`, started at the first task and again after it gave up."""

    def __init__(self, blocks: Blocks, *, site_file: Path, folder: Path, control: Executor) -> None:
        self.control = control
        self._blocks, self._site_file, self._folder = blocks, site_file, folder
        self._kernel: Kernel | None = None
        self._closed = False
        self._lock = threading.Lock()
        atexit.register(self.shutdown, wait=False)  # a script that just ends gives its blocks back too

    def submit(self, fn: Callable[..., Any], /, *args: Any, **given: Any) -> Future[Any]:
        """Run `fn` in a block; its future ends in the result or in one of our errors."""
        with self._lock:
            return self._running().submit(fn, args, given)

    def beside(self, jobs: int | None) -> int:
        """How many tasks are trained beside each other in that many blocks; None for as many blocks as there may be."""
        return min(jobs or self._blocks.most, self._blocks.most) * self._blocks.workers

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002  the interface's
        """Give the blocks back, after the tasks if `wait`; what is called after a task waits for nothing."""
        atexit.unregister(self.shutdown)
        with self._lock:
            self._closed, kernel, self._kernel = True, self._kernel, None
        wait = wait and not is_calling_back()
        if kernel is not None:
            if wait:
                kernel.wait()
            (kernel.end_apart if is_calling_back() else kernel.end)()
        self.control.shutdown(wait=wait, cancel_futures=cancel_futures)

    def _running(self) -> Kernel:
        if self._closed:
            raise RuntimeError("this executor was shut down: make a new one")
        if self._kernel is not None and self._kernel.gave_up:
            gone, self._kernel = self._kernel, None
            gone.end_apart()
        if self._kernel is None:
            self._kernel = _started(self._blocks, site_file=self._site_file, folder=self._folder)
        return self._kernel


def _started(blocks: Blocks, *, site_file: Path, folder: Path) -> Kernel:
    from parsl.config import Config
    from parsl.dataflow.dflow import DataFlowKernel
    from parsl.executors.high_throughput.executor import DEFAULT_LAUNCH_CMD

    from jitnas_fn.backends._executor import BlockExecutor
    from jitnas_fn.backends._providers import provider_of

    drain_seconds = int(blocks.walltime_seconds * (1 - DRAIN_SHARE)) if blocks.scheduler == "slurm" else None
    executor = BlockExecutor(
        label="jitnas",
        provider=provider_of(blocks, site_file=site_file),
        launch_cmd=_launching(DEFAULT_LAUNCH_CMD, blocks.python or sys.executable),
        interchange_launch_cmd=[sys.executable, "-m", "jitnas_fn.backends._interchange"],
        address=blocks.address,
        max_workers_per_node=blocks.workers,
        cores_per_worker=1e-6,  # how many share a node is `max_workers_per_node` alone
        available_accelerators=blocks.gpus if blocks.whole_nodes else (),  # else what Slurm gave stays
        heartbeat_period=max(1, round(blocks.heartbeat_seconds)),
        heartbeat_threshold=max(3, round(LOST_BEATS * blocks.heartbeat_seconds)),
        drain_period=drain_seconds,
    )
    folder.mkdir(parents=True, exist_ok=True)
    config = Config(
        executors=[executor],
        run_dir=str(folder),
        strategy="simple",  # htex_auto_scale cancels blocks that are just starting
        strategy_period=SCALING_SECONDS,
        max_idletime=blocks.idle_seconds,
        exit_mode="skip",
        initialize_logging=False,
        retries=0,  # the client knows which losses are worth another try
    )
    return Kernel(DataFlowKernel(config), executor)


def _launching(pool: str, python: str) -> str:
    """Parsl's command of a pool, run by our block and an interpreter of any name. Parsl formats it twice."""
    named = str(Path(python).expanduser()) if python.startswith("~") else python
    quoted = shlex.quote(named).replace("{", "{{{{").replace("}", "}}}}")
    block = f"exec {quoted} -m jitnas_fn.worker.block {quoted} -m jitnas_fn.worker.pool"
    return pool.replace("process_worker_pool.py", block, 1)
