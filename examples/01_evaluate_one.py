"""Ask for one network's accuracy: this one is in the published snapshot. Change it, and it is trained, once."""

from torch import Tensor, nn

from jitnas_fn import Client, fingerprint


class Residual(nn.Module):
    """x + f(x), with 16 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(16, 16, 3, padding=1)
        self.second = nn.Conv2d(16, 16, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, 16, H, W) in and out."""
        return x + self.second(self.first(x).relu())


def network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        Residual(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )


client = Client()
print("fingerprint", fingerprint(network, input_shape=(1, 8, 8))[:16], "…")
print("known before?", client.lookup(network, dataset="digits", recipe="quick") is not None)

evaluation = client.submit(network, dataset="digits", recipe="quick", seed=0)  # returns at once
record = evaluation.result()
print(f"{record.verdict} (source: {evaluation.source}): validation accuracy {record.metrics['validation']['accuracy']:.3f}")
print("accuracy per epoch:", [round(value, 2) for value in record.curves["validation"]["accuracy"]])
print(f"{record.size['parameters']:,} parameters, {record.cost['train_seconds']:.1f} s of training")

print(client.explain(network, dataset="digits", recipe="quick", seed=1))
