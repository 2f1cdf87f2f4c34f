"""Whether an architecture is the one that was announced and suits its task. Without torch."""

from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.errors import FingerprintMismatch
from jitnas_fn.core.published import Published
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.training.shapes import check_fit


def check_architecture(architecture: Architecture, fingerprint: str, *, card: Dataset, recipe: Recipe | Published) -> None:
    """Check an architecture that came over the wire.

    Parameters
    ----------
    architecture
        What the payload really holds.
    fingerprint
        What the task says it holds.
    card, recipe
        Of the task.

    Raises
    ------
    FingerprintMismatch
        If the two differ.
    OutputMismatch
        If input or output do not fit the dataset.
    """
    if architecture.fingerprint != fingerprint:
        raise FingerprintMismatch(
            f"announced was fingerprint {fingerprint[:12]}…, the payload has {architecture.fingerprint[:12]}…: "
            "were both sides made with the same version of jitnas_fn?"
        )
    seen, dtype, answered = architecture.input_shape, architecture.input_dtype, architecture.answered
    check_fit(card, recipe, seen=seen, dtype=dtype, answered=answered)
