"""A warm fingerprint of seven networks, each with its bar in milliseconds and as a ratio to building the network.

Every run traces a module that was built for it, with PyTorch's default weights, which are checked. A time is the least of the
runs, in processor seconds of one thread: other work on the machine can only add to it. Then the translation validation against
one training step of the same network, and the first fingerprint of a fresh process.
"""

import inspect
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

from jitnas_fn import Architecture, JitnasError  # noqa: E402
from tests.tracing.families.cells import darts_14, nasbench_201  # noqa: E402
from tests.tracing.families.family import Family  # noqa: E402
from tests.tracing.families.mobile import mobilenet_v2  # noqa: E402
from tests.tracing.families.residual import resnet18, resnet50  # noqa: E402
from tests.tracing.families.transformers import transformer_4  # noqa: E402

RUNS, VALIDATIONS, BATCH = 7, 3, 4
VALIDATION_BAR = 10.0  # training steps
FIRST_BAR_SECONDS = 0.6
IMAGE = (3, 32, 32)
VALIDATES = "validate" in inspect.signature(Architecture.from_module).parameters


def small_cnn() -> nn.Module:
    """Two convolutions with batch-norm, dropout, global pooling and a linear layer."""
    return nn.Sequential(
        *[nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.1)],
        *[nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()],
        nn.Linear(16, 10),
    )


class Case(NamedTuple):
    """A network and the milliseconds that its fingerprint may take."""

    name: str
    family: Family
    bar: float


CASES = (
    Case("small CNN", Family(small_cnn, (1, 8, 8)), 5.0),
    Case("ResNet-18", Family(resnet18, IMAGE), 25.0),
    Case("ResNet-50", Family(resnet50, IMAGE), 60.0),
    Case("MobileNetV2", Family(mobilenet_v2, IMAGE), 60.0),
    Case("NAS-Bench-201, 15 cells", Family(nasbench_201, IMAGE), 120.0),
    Case("DARTS, 14 cells", Family(darts_14, IMAGE), 300.0),
    Case(
        "nn.TransformerEncoder, 4 layers",
        Family(transformer_4, (32,), dtype="int64", tokens=30),
        25.0,
    ),
)


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds of one call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def fingerprinted(module: nn.Module, family: Family, *, validate: bool) -> str:
    """The fingerprint of a module, by whatever version of `from_module` there is."""
    given = {"validate": validate} if VALIDATES else {}
    return Architecture.from_module(module, input_shape=family.shape, dtype=family.dtype, **given).fingerprint


def traced(family: Family, *, validate: bool) -> float:
    """Processor seconds of the fingerprint of a module that was built for it."""
    module = family.build()
    return seconds(lambda: fingerprinted(module, family, validate=validate))


def against_its_bar(case: Case) -> bool:
    """Print what a warm fingerprint takes; whether the bar is met."""
    traced(case.family, validate=False)
    pairs = [(traced(case.family, validate=False), seconds(case.family.build)) for _ in range(RUNS)]
    taken = 1e3 * min(fingerprint for fingerprint, _ in pairs)
    ratio = statistics.median(fingerprint / built for fingerprint, built in pairs)
    ok = taken <= case.bar
    print(f"{case.name:32} {taken:7.2f} ms (bar {case.bar:3.0f} ms) {ratio:6.2f}x building it {'ok' if ok else 'MISSED'}")
    return ok


def step_seconds(family: Family) -> float:
    """Processor seconds of one training step: forward, backward, SGD."""
    network, inputs = family.build().train(), family.batch(BATCH)
    labels, optimiser = torch.zeros(BATCH, dtype=torch.int64), torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)

    def step() -> None:
        optimiser.zero_grad()
        F.cross_entropy(network(*inputs), labels).backward()
        optimiser.step()

    step()
    return min(seconds(step) for _ in range(RUNS))


def validation_against_a_step(case: Case) -> bool:
    """Print what translation validation takes in training steps; whether the bar is met."""
    traced(case.family, validate=True)
    pairs = [(traced(case.family, validate=True), traced(case.family, validate=False)) for _ in range(VALIDATIONS)]
    taken = min(with_it for with_it, _ in pairs) - min(without for _, without in pairs)
    step = step_seconds(case.family)
    ok = taken <= VALIDATION_BAR * step
    print(
        f"{case.name:32} {1e3 * taken:7.1f} ms, {taken / step:5.1f} training steps of {1e3 * step:.1f} ms "
        f"(bar {VALIDATION_BAR:.0f}) {'ok' if ok else 'MISSED'}"
    )
    return ok


FIRST = """
import time
import torch
torch.set_num_threads(1)
from torch import nn
layers = [nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)]
network = nn.Sequential(*layers)
began = time.process_time()
from jitnas_fn import fingerprint
fingerprint(network, input_shape=(1, 8, 8))
print(time.process_time() - began)
"""


def first_call() -> bool:
    """Print what the first fingerprint of a process takes beyond torch; whether the bar is met."""
    runs = [
        float(subprocess.run([sys.executable, "-c", FIRST], cwd=ROOT, check=True, capture_output=True, text=True).stdout)
        for _ in range(4)
    ]
    taken = min(runs[1:])  # byte code is compiled once
    ok = taken <= FIRST_BAR_SECONDS
    print(
        f"first call of a process, beyond importing torch: {taken:.2f} s (bar {FIRST_BAR_SECONDS} s) {'ok' if ok else 'MISSED'}"
    )
    return ok


def refused(case: Case, check: Callable[[Case], bool]) -> bool:
    """`check`, and False where this version has no key for the network."""
    try:
        return check(case)
    except JitnasError as reason:
        print(f"{case.name:32} MISSED: {str(reason)[:80]}")
        return False


def main() -> int:
    """Print each figure and whether its bar is met; 1 if one is missed."""
    torch.set_num_threads(1)
    print("a warm fingerprint")
    met = [refused(case, against_its_bar) for case in CASES]
    print("translation validation" if VALIDATES else "translation validation: this version has none")
    met += [refused(case, validation_against_a_step) for case in CASES if VALIDATES]
    met.append(first_call())
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
