"""Nodes whose clocks differ, over one folder of leases."""

from jitnas_fn.core.errors import LeaseLost
from jitnas_fn.stores.leases import Leases

KEY, OTHER = "ab" * 32, "cd" * 32
NOON = 1_800_000_000.0
TTL = 60.0


class Clock:
    """The true time, which a test sets."""

    def __init__(self):
        self.now = NOON

    def ahead(self, seconds):
        """A node's clock."""
        return lambda: self.now + seconds


def _leases(folder, clock, ahead=0.0, **more):
    return Leases(folder, clock=clock.ahead(ahead), ttl_seconds=TTL, **more)


def _names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def _renews(lease):
    try:
        lease.renew()
    except LeaseLost:
        return False
    return True
