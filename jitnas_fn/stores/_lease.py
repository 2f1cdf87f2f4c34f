"""A lease, for who holds it and for who does not. How they work together is told in `jitnas_fn.stores.leases`."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import LeaseLost, StoreError
from jitnas_fn.stores._lease_files import Chain

GIVEN_UP_NS = 0  # the time of a file whose holder will not come back


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody else holds the key.

    Attributes
    ----------
    token
        Of the holder; 0 if it is not known.
    age_seconds
        Since the last beat, by this clock; below 0 if the holder's clock is ahead. [s]
    holder
        What it says of itself, for people: {site, host, pid, since}, as far as it is there.
    """

    token: int
    age_seconds: float
    holder: Json


class Lease:
    """A key held. Used by one thread at a time.

    Attributes
    ----------
    key
        What is held.
    token
        The fencing token, greater than that of every earlier holder.
    generation
        The number of its file; with 1 nobody held the key before and may come back.
    """

    def __init__(self, chain: Chain, generation: int, *, token: int, descriptor: int, now_ns: Callable[[], int]) -> None:
        self.key, self.token, self.generation = chain.key, token, generation
        self._chain, self._now_ns = chain, now_ns
        self._descriptor: int | None = descriptor  # kept open, so that no other file can get this one's number

    def renew(self) -> None:
        """Say that the holder lives.

        Raises
        ------
        LeaseLost
            If somebody took over, or the file is gone.
        StoreError
            If the disk did not answer as it should; the lease may still hold.
        """
        if self._descriptor is None:
            raise LeaseLost(f"the lease on {self.key[:12]}… with token {self.token} was released: claim another")
        alive = self._chain.beat(self.generation, self._descriptor, self._now_ns())
        if not (alive and self.holds()):
            raise LeaseLost(
                f"the lease on {self.key[:12]}… with token {self.token} is lost: it was not renewed for too long, and somebody "
                "else claimed the key or cleared its files"
            )

    def release(self, *, done: bool) -> None:
        """Give the key up. What is no longer held is left alone, and what the disk refuses goes stale by itself.

        Parameters
        ----------
        done
            Whether the work is done: the chain is removed. Otherwise it stays, for the sake of its tokens, and anybody may
            claim the next generation at once.
        """
        descriptor, removed = self._descriptor, False
        if descriptor is None:
            return
        try:
            if done and self.holds():
                removed = all(self._chain.remove(generation) for generation in range(1, self.generation))
            if not removed:
                self._chain.beat(self.generation, descriptor, GIVEN_UP_NS)
        except StoreError:
            removed = False
        finally:
            self.close()
        if removed:  # closed before, as Windows asks
            self._chain.remove(self.generation)

    def close(self) -> None:
        """Forget the lease, which goes stale."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def holds(self) -> bool:
        """Whether the file is there, the last of a chain that is whole. Of one key's leases it is true of one at most."""
        if self._descriptor is None or not self._chain.leads_to(self.generation, self._descriptor):
            return False
        return is_whole(self._chain, self.generation - 1) and not self._chain.has(self.generation + 1)


def is_whole(chain: Chain, last: int) -> bool:
    """Whether a chain has all generations up to `last`."""
    return all(map(chain.has, range(1, last + 1)))
