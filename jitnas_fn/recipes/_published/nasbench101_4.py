"""4 epochs, as NAS-Bench-101 has them."""

from jitnas_fn.core.published import Published

RECIPE = Published(
    name="nasbench101_4",
    epochs=4,
    source="C. Ying et al., NAS-Bench-101: Towards Reproducible Neural Architecture Search, ICML 2019",
)
