"""Translation validation: before a key is trusted, the network rebuilt from the document runs beside the original.

As compilers do it (Pnueli, Siegel and Singerman, "Translation validation", TACAS 1998): whatever a trace has missed shows as a
difference in outputs, gradients, parameters or buffers. So a wrong key needs two independent mistakes.
"""

from jitnas_fn.tracing.validation.side_by_side import validate

__all__ = ["validate"]
