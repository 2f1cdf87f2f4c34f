"""Tasks that take a while, asked for in a thread, and what can be seen of them meanwhile."""

import threading

from jitnas_fn.core.envelope import raised
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.record import Record
from jitnas_fn.worker.children import CHILDREN
from jitnas_fn.worker.site import current, use
from tests.client.models import small
from tests.waiting import until
from tests.worker.asking import asked, item_of, results_of

LONG = Recipe(name="long", epochs=120, batch_size=64, learning_rate=0.05, momentum=0.9, flip=True, schedule="cosine")
MEASURED = ("key", "parts", "dataset", "recipe", "verdict", "curves", "metrics", "size", "environment", "limits")


def four():
    return small(outputs=4)


def long_item(**options):
    return item_of(four, LONG, **options)


def status_of(key):
    return asked("status", keys=[key])["results"][0]


class Asked:
    """A task in a thread of its own."""

    def __init__(self, item):
        self.key, self._results, here = item["key"], [], current()

        def work():
            use(here)
            self._results.extend(results_of(item))

        self._thread = threading.Thread(target=work)
        self._thread.start()

    def record(self):
        """What came of it, once it came; the error is raised."""
        self._thread.join(100)
        (result,) = self._results
        if "error" in result:
            raise raised(result["error"])
        return Record.from_dict(result["record"])

    def status(self):
        return status_of(self.key)

    def under_way(self):
        """Its status once the first epoch is over."""
        return until(lambda: (now := self.status()).get("epoch") and now)


def kept(site):
    """Epochs that are on the disk, rising."""
    folder = site.checkpoints()
    return sorted(int(path.name.split(".")[1]) for path in folder.glob("*.checkpoint")) if folder.exists() else []


def busy():
    """The one child that trains."""
    (child,) = CHILDREN._busy
    return child._process


def measured(record):
    """All of a record that the training alone decides."""
    return {name: getattr(record, name) for name in MEASURED}
