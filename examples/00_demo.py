"""Train a small network on real data (a miss), then ask for the same network, written differently (a hit, at once)."""

import sys
import tempfile
import time
from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional

from jitnas_fn import Client
from jitnas_fn.stores.tinydb import TinyStore

AS_A_SEQUENTIAL = nn.Sequential(
    nn.Conv2d(1, 32, kernel_size=3, padding=1),
    nn.BatchNorm2d(32),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(32, 64, kernel_size=3, padding=1),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(64, 10),
)


class AsAClass(nn.Module):
    """The same network: other names, another order, functions instead of layers."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(64, 10)
        self.texture, self.edges = nn.Conv2d(32, 64, 3, padding="same"), nn.Conv2d(1, 32, 3, padding="same")
        self.scale = nn.BatchNorm2d(32)

    def forward(self, images: Tensor) -> Tensor:
        """Scores, shape (B, 10), of images, shape (B, 1, 8, 8)."""
        x = functional.max_pool2d(self.scale(self.edges(images)).relu(), 2)  # (B, 32, 4, 4)
        return self.head(functional.relu(self.texture(x)).mean(dim=(-1, -2)))


def ask(client: Client, model: object, *, written: str) -> str | None:
    began = time.monotonic()
    evaluation = client.submit(model, dataset="digits", recipe="quick", seed=0)
    record = evaluation.result()
    seconds, accuracy = time.monotonic() - began, record.metrics["test"]["accuracy"]
    answer = f"{evaluation.source:<9}{seconds:7.3f} s   test accuracy {accuracy:.4f}"
    print(f"{written:<20}{answer}   fingerprint {record.parts['fingerprint'][:16]}…")
    return evaluation.source


with tempfile.TemporaryDirectory() as folder, Client(store=TinyStore(Path(folder) / "cache.jsonl")) as fresh:
    print("1,797 handwritten digits and an empty cache: the first answer is a miss and is trained, the second is a hit")
    sources = [ask(fresh, AS_A_SEQUENTIAL, written="nn.Sequential"), ask(fresh, AsAClass, written="a class of its own")]
sys.exit(None if sources == ["trained", "cache"] else f"expected a miss and then a hit, not {sources}")
