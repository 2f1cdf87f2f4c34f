"""One graph from what a model does in training and what it does in evaluation."""

from dataclasses import dataclass, field

from jitnas_fn.core.errors import DocumentError
from jitnas_fn.graphs.graph import Graph, Node
from jitnas_fn.graphs.operations import LEAVES
from jitnas_fn.graphs.opset import operation
from jitnas_fn.tracing.capture import Captured
from jitnas_fn.tracing.drop_paths import with_drop_paths
from jitnas_fn.tracing.refusal import refuse

IN_TRAINING = ("dropout", "drop_path")  # in evaluation they give what they take
Edges = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Joint:
    """A graph for both modes.

    Attributes
    ----------
    graph
        Reads differently in training and evaluation only by operations that say so.
    leaves
        id of each parameter or buffer -> its node.
    draws
        For training and for evaluation: the nodes that draw random numbers, in the order of their calls; -1 for one that is
        not in the graph.
    """

    graph: Graph
    leaves: dict[int, int]
    draws: dict[bool, list[int]]


def joined(training: Captured, evaluation: Captured) -> Joint:
    """The graph of training if switching the mode makes that of evaluation out of it; else both, chosen by `mode`."""
    if training.several != evaluation.several or len(training.graph.outputs) != len(evaluation.graph.outputs):
        refuse("forward returns another structure in evaluation than in training", "return the same in both")
    nowhere = [-1] * len(evaluation.draws)  # nothing comes of these, or the outputs would differ
    if _becomes(training.graph, training.leaves, evaluation):
        return Joint(training.graph, training.leaves, {True: training.draws, False: nowhere})
    if training.draws:
        simpler, paths = with_drop_paths(training.graph)
        if paths and _becomes(simpler, training.leaves, evaluation):
            return Joint(simpler, training.leaves, {True: [paths.get(i, i) for i in training.draws], False: nowhere})
    return _chosen(training, evaluation)


def _becomes(graph: Graph, leaves: dict[int, int], evaluation: Captured) -> bool:
    """Whether every output of `graph` is, when the mode is switched, the same output of `evaluation`."""
    switched = _Switched(evaluation)
    owner = {node: identity for identity, node in leaves.items()}
    for i, node in enumerate(graph.nodes):
        switched.follow(i, node, evaluation.leaves.get(owner[i]) if i in owner else None)
    return [switched.value.get(i) for i in graph.outputs] == evaluation.graph.outputs


@dataclass(slots=True)
class _Switched:
    """For nodes of a graph of training, the node of the graph of evaluation that they are when the mode is switched."""

    evaluation: Captured
    value: dict[int, int] = field(default_factory=dict)
    _known: dict[tuple[str, str, Edges], int] = field(default_factory=dict)
    _same: dict[int, int] = field(default_factory=dict)  # nodes of evaluation that repeat an earlier one

    def __post_init__(self) -> None:
        for i, node in enumerate(self.evaluation.graph.nodes):
            if node.op in LEAVES and node.op != "input":
                continue
            edges = tuple(sorted((label, self._same.get(source, source)) for label, source in node.inputs))
            if node.op == "input" or operation(node.op).pure:
                first = self._known.setdefault((node.op, repr(node.attrs), edges), i)
                if first != i:
                    self._same[i] = first
        outputs = self.evaluation.graph.outputs
        self.evaluation.graph.outputs = [self._same.get(i, i) for i in outputs]

    def follow(self, index: int, node: Node, leaf: int | None) -> None:
        """Find what node `index` becomes; `leaf` is its counterpart if it is a parameter or buffer."""
        if leaf is not None:
            self.value[index] = leaf
        if node.op in ("parameter", "buffer"):
            return
        if node.op in IN_TRAINING:
            if node.source("x") in self.value:
                self.value[index] = self.value[node.source("x")]
            return
        op, attrs, inputs = node.op, node.attrs, node.inputs
        if op == "running_batch_norm":
            op, attrs = "frozen_batch_norm", {"eps": attrs["eps"]}
            inputs = tuple(edge for edge in inputs if edge[0] != "after")
        if all(source in self.value for _, source in inputs):
            edges = tuple(sorted((label, self.value[source]) for label, source in inputs))
            found = self._known.get((op, repr(attrs), edges))
            if found is not None:
                self.value[index] = found


def _chosen(training: Captured, evaluation: Captured) -> Joint:
    """Both graphs in one, each output chosen by the mode."""
    for node in evaluation.graph.nodes:
        if node.op in ("running_batch_norm", *IN_TRAINING):
            refuse(f"in evaluation the model applies {node.op} as in training", "let nn.Dropout and nn.BatchNorm see the mode")
    graph = Graph(list(training.graph.nodes), [])
    leaves, place = dict(training.leaves), {}  # type: tuple[dict[int, int], dict[int, int]]
    owner = {node: identity for identity, node in evaluation.leaves.items()}
    positions = {node.attrs["position"]: i for i, node in enumerate(graph.nodes) if node.op == "input"}
    for i, node in enumerate(evaluation.graph.nodes):
        if node.op == "input":
            place[i] = positions[node.attrs["position"]]
        elif i in owner and owner[i] in leaves:
            place[i] = leaves[owner[i]]
        else:
            edges = tuple((label, place[source]) for label, source in node.inputs)
            graph.nodes.append(Node(node.op, node.attrs, edges, node.shape, node.dtype))
            place[i] = len(graph.nodes) - 1
            if i in owner:
                leaves[owner[i]] = place[i]
    for taught, tested in zip(training.graph.outputs, evaluation.graph.outputs, strict=True):
        if taught == place[tested]:
            graph.outputs.append(taught)
            continue
        try:
            graph.outputs.append(graph.add("mode", [("train", taught), ("eval", place[tested])]))
        except DocumentError as reason:
            refuse(f"forward gives another output in evaluation than in training ({reason})", "keep its shape and type")
    return Joint(graph, leaves, {True: training.draws, False: [place[i] for i in evaluation.draws]})
