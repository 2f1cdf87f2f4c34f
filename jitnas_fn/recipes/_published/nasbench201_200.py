"""200 epochs, as NAS-Bench-201 has them."""

from jitnas_fn.core.published import Published

RECIPE = Published(
    name="nasbench201_200",
    epochs=200,
    source="X. Dong and Y. Yang, NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search, ICLR 2020",
)
