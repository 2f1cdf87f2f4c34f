"""Where random numbers come from."""

import hashlib

import pytest

from jitnas_fn.core.errors import TaskError
from jitnas_fn.core.seeds import LARGEST_SEED, checked_seed, stream_key


def test_a_stream_key_is_the_beginning_of_a_hash():
    first = hashlib.sha256(b'[7,"weights",[3]]').digest()[:16]
    assert stream_key(7, "weights", 3) == int.from_bytes(first, "little")


def test_seed_purpose_and_every_index_change_the_stream():
    keys = [
        stream_key(0, "weights"),
        stream_key(1, "weights"),
        stream_key(0, "batches"),
        stream_key(0, "weights", 0),
        stream_key(0, "weights", 1),
        stream_key(0, "weights", 0, 1),
        stream_key(0, "weights", 1, 0),
        stream_key(LARGEST_SEED, "weights"),
    ]
    assert len(set(keys)) == len(keys)
    assert all(0 <= key < 2**128 for key in keys)


@pytest.mark.parametrize("seed", [-1, 2**63, 0.0, True, "0", None])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(TaskError, match="9223372036854775807"):
        checked_seed(seed)
