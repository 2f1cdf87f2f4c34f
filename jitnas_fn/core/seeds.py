"""Where every random number comes from: one 128-bit key per (seed, purpose, indices)."""

import hashlib

from jitnas_fn.core.codec import canonical
from jitnas_fn.core.errors import TaskError

LARGEST_SEED = 2**63 - 1


def checked_seed(seed: object) -> int:
    """Return `seed` if it is an integer in 0…2⁶³−1, else raise `TaskError`."""
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
        raise TaskError(f"a seed is an integer from 0 to {LARGEST_SEED}, not {str(seed)[:60]!r}")
    return seed


def stream_key(seed: int, purpose: str, *indices: int) -> int:
    """Key of the Philox stream that serves `purpose`.

    Parameters
    ----------
    seed
        The task's seed, 0…2⁶³−1.
    purpose
        What the numbers are for: "weights", "batches", "augmentation", "dropout", ...
    indices
        Canonical indices (parameter, node) and counters (epoch, step).

    Returns
    -------
    int
        The first 16 bytes, little-endian, of SHA-256 over the canonical JSON `[seed, purpose, [indices]]`.
    """
    text = canonical([seed, purpose, list(indices)])
    return int.from_bytes(hashlib.sha256(text.encode("ascii")).digest()[:16], "little")
