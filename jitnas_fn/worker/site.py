"""What the administrator of the machine that trains has decided. Nothing here can be set from the wire."""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jitnas_fn.backends._site_file import Field, check, number, of_type, one_of, path_of, stated_in, whole_number
from jitnas_fn.core.envelope import PAYLOADS
from jitnas_fn.core.errors import StoreError
from jitnas_fn.core.interfaces import Store
from jitnas_fn.core.record import TRUST
from jitnas_fn.core.task import Limits
from jitnas_fn.settings import home
from jitnas_fn.worker.outcomes import Outcomes
from jitnas_fn.worker.tickets import Tickets

LOOK_SECONDS = 0.2  # for which a look at the shared store is good; under a lease it is looked at afresh
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One place where tasks are trained.

    Attributes
    ----------
    name
        Goes into every record: not a host name.
    folder
        Status files, cancel files and checkpoints lie here; None for the folder `worker` in the user's home of jitnas_fn.
    accepts
        Payload formats. "cloudpickle" lets whoever may send tasks run any code.
    threads
        Processor threads of one training; None for every core this process may use.
    device
        "auto" (a GPU where there is one), "cpu" or "cuda".
    memory_bytes, seconds
        Largest limits: they hold where a task brings none or larger ones. None for no limit.
    grace_seconds
        How long after its time limit a training that does not stop by itself is killed.
    checkpoint_bytes
        Half-trained models of more than that are not kept; 0 keeps none. When ten times as much lie there,
        the oldest go, but none of the last day. [bytes]
    checkpoint_seconds
        An epoch is kept when that much work has gathered since the last that was; 0 keeps each. [s]
    margin_seconds
        In a Slurm job a training stops after an epoch when the next would end later than so long before the job. [s]
    trust
        Of the records made here, one of `core.record.TRUST`.
    store
        The site's own store: asked before anything is trained, given every record. None for a site without one. In a file it is
        a folder, which several machines may share; each key is then trained by one of them at a time.
    slurm
        Whether its trainings wait for Slurm: in a file, whether it has `[blocks]` of that scheduler.
    """

    name: str = "local"
    folder: Path | None = None
    accepts: tuple[str, ...] = ("graph",)
    threads: int | None = None
    device: str = "auto"
    memory_bytes: int | None = None
    seconds: float | None = None
    grace_seconds: float = 10.0
    checkpoint_bytes: int = 2_000_000_000
    checkpoint_seconds: float = 1.0
    margin_seconds: float = 30.0
    trust: str = "local"
    store: Store | None = field(default=None, compare=False)
    slurm: bool = False

    def where(self) -> Path:
        """The folder of status and cancel files, whether it is there or not."""
        return home() / "worker" if self.folder is None else self.folder

    def place(self) -> Path:
        """The same, made when it is missing."""
        folder = self.where()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as reason:
            raise StoreError(f"{folder} cannot be made ({reason.strerror}): set the folder of site {self.name!r}") from None
        return folder

    def tickets(self) -> Tickets:
        """Who has asked for which training, of all who use its store."""
        folder = getattr(self.store, "folder", None)
        return Tickets((folder if isinstance(folder, Path) else self.where()) / "tickets")

    def outcomes(self) -> Outcomes:
        """How runs have ended here."""
        return Outcomes(self.where() / "outcomes")

    def checkpoints(self) -> Path:
        """The folder of half-trained models, made when the first is kept."""
        return self.place() / "checkpoints"

    def cores(self) -> int:
        """Threads of one training: one, unless the administrator says otherwise.

        Two threads of a small network run many times slower than one as soon as somebody else wants a core.
        """
        return 1 if self.threads is None else self.threads

    def limits(self, asked: Limits) -> Limits:
        """What a task may take here: the smaller of what it asks for and what the site allows."""
        return Limits(
            seconds=min((s for s in (asked.seconds, self.seconds) if s is not None), default=None),
            memory_bytes=min((b for b in (asked.memory_bytes, self.memory_bytes) if b is not None), default=None),
        )


_here = threading.local()


def use(site: Site) -> None:
    """Make `site` the current one in this thread; the initializer of a thread pool."""
    _here.site = site


def current() -> Site:
    """The site of this thread, else that of the TOML file `$JITNAS_SITE`, else the defaults; raises `SiteFileError`."""
    found = getattr(_here, "site", None)
    if isinstance(found, Site):
        return found
    named = os.environ.get("JITNAS_SITE")
    return _as_it_is_now(named) if named else Site()


def _as_it_is_now(path: str) -> Site:
    """The site of a file, read again only when the file was changed: it is asked for with every message."""
    try:
        status = os.stat(path)  # noqa: PTH116  half the time of a Path's, and here it counts
    except OSError:
        return read(Path(path))
    mark = status.st_ino, status.st_size, status.st_mtime_ns
    known = _read.get(path)
    if known is None or known[0] != mark:
        known = _read[path] = mark, read(Path(path))
    return known[1]


def read(path: Path) -> Site:
    """The site that a TOML file describes: `Site`'s fields, all optional, and `[blocks]`.

    Raises
    ------
    SiteFileError
        If the file cannot be read, names an unknown field or gives a value out of its range.
    """
    return site_of(stated_in(path), path)


def site_of(stated: Mapping[str, Any], path: Path) -> Site:
    """The site that a file describes, of which is known already what it says; raises `SiteFileError`."""
    check(stated, FIELDS, path=path)
    values = dict(stated)
    blocks = values.pop("blocks", None)  # what jobs to ask for is `backends.parsl`'s
    if blocks is not None:
        values["slurm"] = blocks.get("scheduler", "slurm") == "slurm"
    if "folder" in values:
        values["folder"] = (path.parent / Path(values["folder"]).expanduser()).resolve()
    if "store" in values:
        values["store"] = _store_in((path.parent / Path(values["store"]).expanduser()).resolve())
    if "accepts" in values:
        values["accepts"] = tuple(values["accepts"])
    return Site(**values)


_read: dict[str, tuple[tuple[int, int, int], Site]] = {}
_stores: dict[tuple[int, Path], Store] = {}
_opening = threading.Lock()


def _store_in(folder: Path) -> Store:
    """The shared store in a folder: one for all threads of this process, not each message's own, and none of its parent's."""
    from jitnas_fn.stores.segments import SegmentStore

    with _opening:
        mine = os.getpid(), folder
        if mine not in _stores:
            _stores[mine] = SegmentStore(folder, look_seconds=LOOK_SECONDS)
        return _stores[mine]


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 80 and value.isprintable()


def _is_list_of_payloads(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(item in PAYLOADS for item in value)


FIELDS: dict[str, Field] = {
    "name": (_is_name, "a printable text of at most 80 characters"),
    "folder": path_of("a path, a relative one from this file's folder"),
    "accepts": (_is_list_of_payloads, f"a list out of {', '.join(PAYLOADS)}"),
    "threads": whole_number(),
    "device": one_of(DEVICES),
    "memory_bytes": whole_number(),
    "seconds": number(),
    "grace_seconds": number(),
    "checkpoint_bytes": (whole_number(least=0)[0], "a whole number, 0 for no checkpoints"),
    "checkpoint_seconds": number(zero=True),
    "margin_seconds": number(zero=True),
    "trust": one_of(TRUST[1:]),
    "store": path_of("a folder, a relative one from this file's folder"),
    "blocks": of_type(dict, "a table"),
}
