"""What is to be trained: the canonical document of a graph, and its fingerprint. No weights."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jitnas_fn.core.codec import Json, canonical, digest, parse
from jitnas_fn.core.errors import DocumentError
from jitnas_fn.graphs import counters
from jitnas_fn.graphs.document import document_of, graph_of
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.operations import Shape

MAX_DOCUMENT_BYTES = 8_000_000


@dataclass(frozen=True)
class Architecture:
    """An architecture that has a key.

    Attributes
    ----------
    document
        The canonical document; the network that is trained is rebuilt from it.
    fingerprint
        SHA-256 of the document's canonical JSON, 64 hexadecimal digits.
    """

    document: Json
    fingerprint: str

    @classmethod
    def from_graph(cls, graph: Graph) -> "Architecture":
        """The architecture of a graph, however its nodes are ordered."""
        document, _ = document_of(graph)
        return cls(document, digest(document))

    @classmethod
    def from_document(cls, document: Json) -> "Architecture":
        """The architecture of a document, brought to canonical form first; raises `DocumentError`."""
        graph = graph_of(document)
        if "labelling" in document:  # its order is as good as any: another labelling could differ
            return cls(document, digest(document))
        return cls.from_graph(graph)

    @classmethod
    def from_json(cls, text: str) -> "Architecture":
        """Read a document that may be hostile; raises `DocumentError`."""
        return cls.from_document(parse(text, max_bytes=MAX_DOCUMENT_BYTES, error=DocumentError, what="document"))

    @classmethod
    def from_module(
        cls,
        model: Any,
        input_shape: Any,
        *,
        dtype: Any = "float32",
        initialisation: str = "as built",
        validate: bool = True,
    ) -> "Architecture":
        """Trace a PyTorch model, and run what was traced beside it. The model is left as it was.

        Parameters
        ----------
        model
            An `nn.Module`, or a class or function without arguments that builds one.
        input_shape
            One sample as the network sees it, without the batch; for several inputs a tuple of such shapes.
        dtype
            Of the input; for several inputs one for all, or a tuple.
        initialisation
            "as built": parameters start as construction leaves them. "default": whatever the weights are, they are drawn anew
            from PyTorch's defaults.
        validate
            Whether the network rebuilt from the document is run beside the model on small random inputs; a difference is
            refused. Without it a key rests on the trace alone.

        Raises
        ------
        NotAModel, UnsupportedModel, UnknownInitialisation, ModelFailed
            If there is no exact key for it; the message says why and what to do.
        """
        from jitnas_fn.tracing.translate import translated  # torch is needed only here

        return translated(model, input_shape, dtype=dtype, initialisation=initialisation, validate=validate)

    def intact(self) -> "Architecture":
        """This architecture; if somebody has changed its document since, the one that the document is now."""
        return self if digest(self.document) == self.fingerprint else Architecture.from_document(self.document)

    def to_json(self) -> str:
        """The document as canonical JSON; its SHA-256 is the fingerprint."""
        return canonical(self.document)

    def build(self, seed: int = 0) -> Any:
        """The network as an `nn.Module`, its weights drawn from `seed` by the document's initialisation."""
        from jitnas_fn.tracing.rebuild import Rebuilt  # torch is needed only here

        return Rebuilt(self, seed)

    @cached_property
    def graph(self) -> Graph:
        """The graph that the document describes."""
        return graph_of(self.document)

    @property
    def parameters(self) -> int:
        """Number of parameters, trainable or not."""
        return counters.parameters(self.graph)

    @property
    def macs(self) -> int:
        """Multiply-adds for one sample, counted as `macs_counter` says."""
        return counters.macs(self.graph)

    @property
    def macs_counter(self) -> str:
        """Name of the way the multiply-adds are counted."""
        return counters.MACS_COUNTER

    @property
    def input_shape(self) -> Shape:
        """One sample of the first input."""
        return tuple(self.document["inputs"][0]["shape"])

    @property
    def input_dtype(self) -> str:
        """Of the first input."""
        return str(self.document["inputs"][0]["dtype"])

    @property
    def output_shape(self) -> Shape:
        """What the first output gives for one sample."""
        shape = self.graph.nodes[self.graph.outputs[0]].shape
        return shape[1:] if shape[:1] == (-1,) else (math.prod(shape),)

    @property
    def answered(self) -> Shape | str:
        """What the only output gives for one sample; of several, how many there are, in words."""
        outputs = len(self.document["outputs"])
        return self.output_shape if outputs == 1 else f"{outputs} outputs"
