"""Blocks stay as long as work comes, are given back when none does, and no more are asked for than it takes."""

import time
from concurrent.futures import wait

import pytest

from tests.site.training.models import QUICK, small

IDLE, GAP, MOST = 8.0, 3.0, 2  # [s], [s], blocks
LOOKS = 12.0  # idle blocks are looked for every two seconds, and Slurm takes some to end them [s]


def wave(client, seeds):
    assert not wait(client.map([small], **QUICK, seeds=seeds), timeout=120).not_done
    return time.monotonic()


@pytest.mark.slow
def test_waves_with_short_gaps_keep_their_blocks_and_a_long_gap_gives_them_back(here):
    client = here.client(most=MOST, idle_seconds=IDLE)
    wave(client, range(8))
    jobs = here.jobs()
    assert len(jobs) <= MOST
    for number in (1, 2, 3):
        gap = time.monotonic() + GAP
        while time.monotonic() < gap:
            assert here.running() == jobs
            time.sleep(0.2)
        ended = wave(client, range(8 * number, 8 * number + 8))
    assert here.jobs() == jobs
    here.cluster.wait_until(lambda: not here.cluster.squeue(), IDLE + 60)
    assert IDLE - LOOKS / 2 < time.monotonic() - ended < IDLE + LOOKS
    wave(client, range(100, 108))
    assert len(here.jobs()) <= 2 * MOST
