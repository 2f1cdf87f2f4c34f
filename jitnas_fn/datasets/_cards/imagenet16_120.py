"""ImageNet16-120: 120 classes of ImageNet in 16 by 16 pixels, split as NAS-Bench-201 does. A card: nothing loads it yet."""

from jitnas_fn.core.dataset import Dataset

DATASET = Dataset(
    name="imagenet16_120",
    version="1",
    sha256="",
    task="classification",
    input_shape=(3, 16, 16),
    input_dtype="float32",
    outputs=120,
    labels=tuple(str(number) for number in range(1, 121)),
    metric="accuracy",
    direction="maximise",
    unit="fraction",
    mean=(122.68, 116.66, 104.01),
    std=(63.22, 61.26, 65.09),
    splits=(("train", 151700), ("validation", 3000), ("test", 3000)),
    licence="ImageNet's terms: research and teaching",
    source="P. Chrabaszcz et al., A Downsampled Variant of ImageNet, 2017; scaling and splits: NAS-Bench-201",
)
