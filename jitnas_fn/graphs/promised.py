"""An architecture whose fingerprint is known before it is built: a look-up needs no more, and to build one takes longer."""

from collections.abc import Callable
from functools import cached_property

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import FingerprintMismatch
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.operations import Shape


class Promised(Architecture):
    """The architecture of a point of a space.

    Parameters
    ----------
    fingerprint
        That was found when it was built before.
    build
        Builds it again, when its document is needed.
    input_shape, outputs
        What it is built for: one sample, and how many numbers it answers.
    """

    def __init__(self, fingerprint: str, build: Callable[[], Architecture], *, input_shape: Shape, outputs: int) -> None:
        for name, value in (("fingerprint", fingerprint), ("_build", build), ("_ends", (input_shape, outputs))):
            object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        """Whether the other is the same architecture, promised or built."""
        if not isinstance(other, Architecture):
            return NotImplemented
        return self.fingerprint == other.fingerprint and self.document == other.document

    __hash__ = None  # type: ignore[assignment]  # as of all architectures: documents are dictionaries

    @cached_property
    def document(self) -> Json:
        """The canonical document.

        Raises
        ------
        FingerprintMismatch
            If it is another architecture than was promised; then nothing is trained under the wrong key.
        """
        built: Architecture = self._build()  # type: ignore[attr-defined]
        if built.fingerprint != self.fingerprint:
            raise FingerprintMismatch(f"promised was fingerprint {self.fingerprint[:12]}…, built was {built.fingerprint[:12]}…")
        return built.document

    def intact(self) -> Architecture:
        """This one: nobody has its document before it is asked for."""
        return self if "document" not in self.__dict__ else super().intact()

    @property
    def input_shape(self) -> Shape:
        """One sample."""
        shape: Shape = self._ends[0]  # type: ignore[attr-defined]
        return shape

    @property
    def input_dtype(self) -> str:
        """Of every space's networks."""
        return "float32"

    @property
    def output_shape(self) -> Shape:
        """What it answers for one sample."""
        return (self._ends[1],)  # type: ignore[attr-defined]

    @property
    def answered(self) -> Shape | str:
        """The same."""
        return self.output_shape
