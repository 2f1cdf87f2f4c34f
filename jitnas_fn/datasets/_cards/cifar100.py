"""CIFAR-100: 60,000 colour images of 32 by 32 pixels, split as NAS-Bench-201 does. A card: nothing loads it yet."""

from jitnas_fn.core.dataset import Dataset

LABELS = (
    "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can "
    "castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin "
    "elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster "
    "man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck "
    "pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk "
    "skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger "
    "tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm"
)

DATASET = Dataset(
    name="cifar100",
    version="1",
    sha256="",
    task="classification",
    input_shape=(3, 32, 32),
    input_dtype="float32",
    outputs=100,
    labels=tuple(LABELS.split()),
    metric="accuracy",
    direction="maximise",
    unit="fraction",
    mean=(129.3, 124.1, 112.4),
    std=(68.2, 65.4, 70.4),
    splits=(("train", 50000), ("validation", 5000), ("test", 5000)),
    licence="none stated",
    source="A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009; scaling and splits: NAS-Bench-201",
)
