"""CIFAR-10: 60,000 colour images of 32 by 32 pixels, split as NAS-Bench-201 does. A card: nothing loads it yet."""

from jitnas_fn.core.dataset import Dataset

DATASET = Dataset(
    name="cifar10",
    version="1",
    sha256="",
    task="classification",
    input_shape=(3, 32, 32),
    input_dtype="float32",
    outputs=10,
    labels=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    metric="accuracy",
    direction="maximise",
    unit="fraction",
    mean=(125.3, 123.0, 113.9),
    std=(63.0, 62.1, 66.7),
    splits=(("train", 25000), ("validation", 25000), ("test", 10000)),
    licence="none stated",
    source="A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009; scaling and splits: NAS-Bench-201",
)
