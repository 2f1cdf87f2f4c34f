"""Which processes of a Globus Compute endpoint live.

`python -m jitnas_fn.worker.processes PROFILE [--identity IDENTITY] [--options NAME=VALUE&…]` notes one. An endpoint runs that
as its `endpoint_setup` whenever it starts a process: it has one for each person and choice of options. A process takes
messages from the service before they run, and loses them without a word when it is killed; so whoever has sent some asks here.

- `endpoints/TOKEN`: JSON {profile, identity, options, pid, started, host, noted, lock}
"""

import argparse
import contextlib
import os
import socket
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from jitnas_fn.core.bounds import finite, whole
from jitnas_fn.core.codec import Json, canonical, parse
from jitnas_fn.core.errors import StoreError
from jitnas_fn.worker.board import is_token
from jitnas_fn.worker.site import current

KEPT_SECONDS = 24 * 3600.0  # a note of what is dead: whoever asks later sees that nobody lives who can have it
MOST_NOTES = 1000
MOST_BYTES = 2000
ROLE = "JITNAS_ROLE"  # names, in the environment, what a process of an endpoint is for
CONTROL, TRAIN = "control", "train"  # profiles, and roles
LATEST_UNIX_TIME = 1e11
LOCK = "daemon.pid"  # of the endpoint package: for three heartbeats after a process was killed, it keeps out the next one


@dataclass(frozen=True, slots=True)
class Note:
    """One process.

    Attributes
    ----------
    token
        No other process has it.
    profile, identity
        Of the endpoint, and whose; "" where an endpoint has one user.
    options
        What that user has chosen, as text, "" for what is not; None where the endpoint does not say.
    pid, started, host
        Which process it is: a pid may be given again, but not with the same start. [clock ticks since boot]
    noted
        When. [Unix time]
    lock
        The file with its pid; "" if it has none.
    seen
        When somebody last saw that it lives. [Unix time]
    """

    token: str
    profile: str
    identity: str
    options: Mapping[str, str] | None
    pid: int
    started: int
    host: str
    noted: float
    lock: str
    seen: float

    @property
    def is_here(self) -> bool:
        """Whether it is, or was, on this host. Of others nothing can be told: an agent that has moved left them behind."""
        return self.host == socket.gethostname()

    @property
    def lives(self) -> bool:
        """Whether the process is there, on this host."""
        return self.is_here and _start_of(self.pid) == self.started

    def was_for(self, options: Json) -> bool:
        """Whether messages with these options may be its own, by what is known of it."""
        chosen = {name: value if isinstance(value, str) else canonical(value) for name, value in options.items()}
        return all(chosen.get(name, "") == value for name, value in (self.options or {}).items())


def note(
    folder: Path,
    *,
    profile: str,
    pid: int,
    identity: str = "",
    options: Mapping[str, str] | None = None,
    lock: Path | None = None,
) -> Note:
    """Write down that a process has begun; old notes of dead ones go."""
    started, locked = _start_of(pid) or 0, "" if lock is None else str(lock)
    now = time.time()
    made = Note(uuid.uuid4().hex, profile, identity, options, pid, started, socket.gethostname(), now, locked, now)
    place = folder / "endpoints"
    place.mkdir(parents=True, exist_ok=True)
    for old in _notes(folder):
        if not old.lives and now - old.seen > KEPT_SECONDS:
            (place / old.token).unlink(missing_ok=True)
    fields = {name: value for name, value in asdict(made).items() if name not in ("token", "seen")}
    written = place / f"{made.token}.new"
    written.write_text(canonical(fields), "ascii")
    written.replace(place / made.token)
    return made


def trains() -> bool:
    """Whether this process may train: a control path has no GPU, and may be the login node."""
    return os.environ.get(ROLE, TRAIN) != CONTROL


def told(folder: Path, options: Json) -> Json | None:
    """{living: [{age_seconds}], dead: [{token, silent_seconds}]} of the train profile's processes that have these options.

    They are those of whoever this process is for. None where none is noted, or this one is not: then nothing can be told. After
    a dead one there is room for another.
    """
    notes = list(_notes(folder))
    here = [one for one in notes if one.pid == os.getpid() and one.lives]
    if not here:
        return None
    own = [one for one in notes if one.is_here and one.profile == TRAIN and one.identity == here[-1].identity]
    theirs = [one for one in own if one.was_for(options)]
    living = [one for one in theirs if one.lives]
    dead = [one for one in theirs if one not in living]
    for one in living:
        with contextlib.suppress(OSError):
            os.utime(folder / "endpoints" / one.token)
    now = time.time()
    tell = {
        "living": [{"age_seconds": round(max(0.0, now - one.noted), 1)} for one in living],
        "dead": [{"token": one.token, "silent_seconds": round(max(0.0, now - _last_sign_of(one, folder)), 1)} for one in dead],
    }
    return tell if theirs else None


def _last_sign_of(dead: Note, folder: Path) -> float:
    """When a process last said that it lives, by its lock; that goes, so that the endpoint may start another. [Unix time]."""
    lock, sign = Path(dead.lock), dead.seen
    if lock.name == LOCK and _start_of(dead.pid) is None:
        with contextlib.suppress(OSError):
            if lock.read_text("ascii", "replace").split()[:1] == [str(dead.pid)]:
                sign = max(sign, lock.stat().st_mtime)
                os.utime(folder / "endpoints" / dead.token, (sign, sign))
                lock.unlink()
    return sign


def _lock_of_the_parent() -> Path:
    """Where the endpoint package puts it."""
    users = os.environ.get("GLOBUS_COMPUTE_USER_DIR") or Path.home() / ".globus_compute"
    return Path(users) / os.environ.get("GLOBUS_COMPUTE_ENDPOINT_NAME", "") / LOCK


def _notes(folder: Path) -> Iterator[Note]:
    """The notes that can be read, the oldest first."""
    place = folder / "endpoints"
    found: list[Note] = []
    names = [path.name for path in place.iterdir() if is_token(path.name)] if place.is_dir() else []
    for name in sorted(names, key=lambda name: _written(place / name), reverse=True)[:MOST_NOTES]:
        with contextlib.suppress(OSError, StoreError):
            fields = parse((place / name).read_text("ascii", "replace"), max_bytes=MOST_BYTES, error=StoreError, what="note")
            if (read := _note_of(name, fields, _written(place / name))) is not None:
                found.append(read)
    yield from sorted(found, key=lambda one: one.noted)


def _written(path: Path) -> float:
    """When a note was written; 0 for one that is gone meanwhile. [Unix time]."""
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _note_of(token: str, fields: Json, seen: float) -> Note | None:
    pid, started = whole(fields.get("pid"), least=1), whole(fields.get("started"))
    noted = finite(fields.get("noted"), least=0, most=LATEST_UNIX_TIME)
    if pid is None or started is None or noted is None:
        return None
    profile, identity, host = (str(fields.get(name, ""))[:100] for name in ("profile", "identity", "host"))
    options = fields.get("options")
    chosen = {name: str(value) for name, value in options.items()} if isinstance(options, dict) else None
    return Note(token, profile, identity, chosen, pid, started, host, noted, str(fields.get("lock", "")), seen)


def _start_of(pid: int) -> int | None:
    """When a process began, in clock ticks since boot; None if there is none, or it is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else int(fields[19])


def main() -> None:
    """Note the parent, which is the endpoint's process; where it cannot be noted, it works all the same."""
    parser = argparse.ArgumentParser(prog="jitnas_fn.worker.processes", description="Note the process of an endpoint.")
    parser.add_argument("profile", choices=(CONTROL, TRAIN))
    parser.add_argument("--identity", default="", help="whose it is")
    parser.add_argument("--options", type=_options_in, help="what that user has chosen, as the query of a URL")
    try:
        given, _ = parser.parse_known_args()  # a template may be of another version
        note(current().place(), **vars(given), pid=os.getppid(), lock=_lock_of_the_parent())
    except (Exception, SystemExit) as reason:  # noqa: BLE001  an endpoint that does not start for this would help nobody
        sys.stderr.write(f"jitnas_fn cannot note this process, so that nobody will be told of its death: {reason}\n")


def _options_in(query: str) -> dict[str, str]:
    return dict(parse_qsl(query, keep_blank_values=True))


if __name__ == "__main__":
    main()
