"""Random numbers that depend on (seed, purpose, indices) alone: Philox words from NumPy, every transformation ours.

NumPy promises the words of a bit generator for ever, the distributions of `Generator` not (NEP 19). So only `random_raw` is
used, and what is made of its 64-bit words is written down here and never changes.
"""

import numpy as np
from numpy.typing import NDArray

from jitnas_fn.core.seeds import stream_key


class Stream:
    """One stream of random numbers.

    Parameters
    ----------
    seed
        The task's seed, 0…2⁶³−1.
    purpose
        "weights", "batches", "augmentation", "dropout", ...
    indices
        Canonical indices and counters that tell this stream from its sisters.
    """

    def __init__(self, seed: int, purpose: str, *indices: int) -> None:
        self._philox = np.random.Philox(key=stream_key(seed, purpose, *indices))

    def words(self, count: int) -> NDArray[np.uint64]:
        """The next `count` 64-bit words of Philox-4x64-10, shape (count,)."""
        return np.asarray(self._philox.random_raw(count), dtype=np.uint64)

    def uniform(self, count: int) -> NDArray[np.float64]:
        """`count` numbers in [0, 1): the upper 53 bits of each word times 2⁻⁵³, shape (count,)."""
        return (self.words(count) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def normal(self, count: int) -> NDArray[np.float64]:
        """`count` standard normal numbers by Box and Muller (1958), shape (count,).

        From the uniform pair (u, v) come r·cos(2πv) and r·sin(2πv) in turn, with r = √(−2·ln(1−u)).
        """
        u, v = self.uniform(count + count % 2).reshape(-1, 2).T
        radius, angle = np.sqrt(-2.0 * np.log1p(-u)), 2.0 * np.pi * v
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)[:count]

    def permutation(self, count: int) -> NDArray[np.int64]:
        """The numbers 0…count−1 in random order: the stable order of `count` words, shape (count,)."""
        return np.argsort(self.words(count), kind="stable").astype(np.int64)

    def coins(self, count: int, probability: float) -> NDArray[np.bool_]:
        """`count` independent draws, True with `probability`, shape (count,).

        Each word gives four 16-bit parts, lowest first; a part below round(probability·65536) is True. So a probability
        is met to 2⁻¹⁷, at a quarter of the words.
        """
        parts = self.words(-(-count // 4)).astype("<u8").view("<u2")[:count]
        return parts < round(probability * 65536)
