import dataclasses

import pytest

from jitnas_fn.worker import site as module
from jitnas_fn.worker.site import Site, use


@pytest.fixture(autouse=True)
def site(tmp_path):
    """A site of this test's own, with every payload accepted; call it to change a field."""

    def change(**fields):
        use(dataclasses.replace(module.current(), **fields))
        return module.current()

    use(
        Site(
            name="test site",
            folder=tmp_path / "site",
            accepts=("graph", "cloudpickle"),
            threads=1,
            device="cpu",
            grace_seconds=1.0,
        )
    )
    yield change
    del module._here.site
