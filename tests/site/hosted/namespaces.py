"""An agent is a user's own only if it has no rights of root, and one for many users only if it has: in a user namespace.

`python -m tests.site.hosted.namespaces SEAT COMMAND...` runs a command and stays the ancestor of all that it begins. As root:
in the seat of a `user` it is nobody inside, who is root outside, and so may read what root may read. In the seat of an
`administrator` it is root inside, who is nobody outside; whom it makes nobody is root outside. Everybody else sits in the
seat of a user anyway.
"""

import ctypes
import os
import sys
from pathlib import Path

from tests.site.needs import LACK

NOBODY = 65534
SEATS = {  # uid inside, and the map: an id inside, the id outside, how many
    "user": (NOBODY, f"{NOBODY} 0 1\n"),
    "administrator": (0, f"0 {NOBODY} 1\n{NOBODY} 0 1\n"),
}
CLONE_NEWUSER = 0x10000000
PR_SET_CHILD_SUBREAPER = 36


def needed(seat):
    """Whether this seat is one in a namespace of its own."""
    return os.geteuid() == 0 or seat == "administrator"


def obstacle(seat):
    """Why nobody can sit there on this machine, in words, or None."""
    if not needed(seat):
        return None
    if os.geteuid() != 0:
        return f"{LACK}an agent for many users takes two user ids, which only root can map"
    pid = os.fork()
    if pid == 0:
        os._exit(_unshare())
    number = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return f"{LACK}no user namespace: {os.strerror(number)}" if number else None


def run(seat, command):
    """Run the command in this seat. What the kernel would give to init is given to this process, until there is nothing."""
    _libc().prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    told, tell = os.pipe()
    ready, make_ready = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()  # an agent that ends sends SIGTERM to its process group
        if needed(seat):
            os.write(make_ready, bytes([_unshare()]))
            os.read(told, 1)
            uid = SEATS[seat][0]
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        os.closerange(3, 256)
        _become(command)
    if needed(seat):
        if number := os.read(ready, 1)[0]:
            raise OSError(number, os.strerror(number))
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{pid}/{name}").write_text(SEATS[seat][1])
        os.write(tell, b"!")
    return _reap(pid)


def _become(command):
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(127)


def _reap(pid):
    """The exit status of a process, once all of its descendants are gone as well."""
    status = 0
    while True:
        try:
            ended, how = os.wait()
        except ChildProcessError:
            return status
        if ended == pid:
            status = os.waitstatus_to_exitcode(how)


def _unshare():
    """Move this process to a user namespace of its own: 0, or the number of the error."""
    return ctypes.get_errno() if _libc().unshare(CLONE_NEWUSER) else 0


def _libc():
    return ctypes.CDLL(None, use_errno=True)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2:]) & 0xFF)
