"""Three spellings of one network, two that differ from it, and where they differ, in words. Nothing is trained."""

from torch import Tensor, nn
from torch.nn import functional

from jitnas_fn import Architecture
from jitnas_fn.graphs.differences.difference import difference

DIGIT = (1, 8, 8)  # one image, without the batch


def in_layers() -> nn.Module:
    features = [nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))


class InFunctions(nn.Module):
    """The same: other names, another order, functions."""

    def __init__(self) -> None:
        super().__init__()
        self.scores, self.scale, self.edges = nn.Linear(16, 10), nn.BatchNorm2d(16), nn.Conv2d(1, 16, 3, padding="same")

    def forward(self, x: Tensor) -> Tensor:
        """Scores, shape (B, 10), of images, shape (B, 1, 8, 8)."""
        x = functional.max_pool2d(functional.relu(self.scale(self.edges(x))), 2)
        return self.scores(x.mean((-2, -1)))


def with_what_does_nothing() -> nn.Module:
    network = in_layers()
    return nn.Sequential(nn.Identity(), network, nn.Dropout(0.0))


def with_another_kernel() -> nn.Module:
    network = in_layers()
    network[0] = nn.Conv2d(1, 16, 5, padding=2)
    return network


def with_a_frozen_layer() -> nn.Module:
    network = in_layers()
    network[0].requires_grad_(requires_grad=False)
    return network


OTHERS = {
    "functions": InFunctions,
    "useless layers": with_what_does_nothing,
    "another kernel": with_another_kernel,
    "a frozen layer": with_a_frozen_layer,
}
first = Architecture.from_module(in_layers, DIGIT)
print(f"{'layers':<16}{first.fingerprint[:16]}…  {first.parameters:,} parameters")
for title, model in OTHERS.items():
    other = Architecture.from_module(model, DIGIT)
    found = difference(first, other)
    print(f"{title:<16}{other.fingerprint[:16]}…  {'the same' if found.same else 'not the same'}")
    for sentence in found.sentences:
        print(f"    {sentence}")
