"""Models that behave badly once they run. None can be traced; all travel as code."""

import contextlib
import os
import signal
import sys
import time

import torch
from torch import nn


class Bad(nn.Module):
    """Answers as it should, after doing `deed`."""

    def __init__(self, deed, outputs=4):
        super().__init__()
        self.deed, self.last = deed, nn.Linear(64, outputs)

    def forward(self, x):
        getattr(self, self.deed)()
        return self.last(x.flatten(1))

    def nothing(self):
        pass

    def leave(self):
        sys.stderr.write("the last words\n")
        sys.stderr.flush()
        os._exit(3)

    def crash(self):
        os.kill(os.getpid(), signal.SIGSEGV)

    def fork_and_leave(self):
        pid = os.fork()
        if pid == 0:
            time.sleep(60)
            os._exit(0)
        os.write(2, f"forked {pid} ".encode())
        os._exit(3)

    def exit(self):
        sys.exit("bye")

    def fail(self):
        raise KeyError("no such thing")

    def hang(self):
        while True:
            pass

    def hang_in_training(self):
        while self.training:
            pass

    def chatter(self):
        print("{}\n" * 100_000)
        os.write(1, b"{}\n" * 100_000)
        sys.stderr.write("x" * 1_000_000)

    def read(self):
        sys.stdin.readline()
        assert os.read(0, 10) == b""

    def grow(self):
        self.held = torch.ones(1 << 34, dtype=torch.uint8)

    def snoop(self):
        for number in range(3, 100):
            with contextlib.suppress(OSError):
                os.write(number, b"nonsense\n")


def too_wide():
    """16 GB of weights, made only where it is built."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 1 << 26), nn.Linear(1 << 26, 4))
