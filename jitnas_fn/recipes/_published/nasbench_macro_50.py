"""50 epochs, as NAS-Bench-Macro has them."""

from jitnas_fn.core.published import Published

RECIPE = Published(
    name="nasbench_macro_50",
    epochs=50,
    source="X. Su et al., Prioritized Architecture Sampling with Monto-Carlo Tree Search, CVPR 2021",
)
