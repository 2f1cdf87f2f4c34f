"""What a network does, told in the names of its document: networks of one key must do the same.

The original modules run in float64, both modes, with weights given by their names in the document and random numbers by the
names of what draws them. Nothing here is shared with the validation of the package under test.
"""

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from jitnas_fn.graphs.document import graph_of
from jitnas_fn.tracing.rebuild import Network
from jitnas_fn.tracing.validation.widened import widened
from tests.tracing.programs.chance import WIDE, ByNumber, Told, generator, uniform
from tests.tracing.programs.keys import Keyed

CALLS = ((True, 3), (True, 4), (False, 2))  # (training, batch size)
Behaviour = dict[str, Any]


def weights_for(name: str, like: Tensor) -> Tensor:
    """The numbers of the parameter or buffer of this name: every part of it shows, and a variance is above 0."""
    return uniform(like.shape, name, tuple(like.shape)) + 0.2 if name[0] == "b" else uniform(like.shape, name) * 1.6 - 0.8


def behaviour(keyed: Keyed, *, named: dict[str, Tensor] | None = None) -> Behaviour:
    """What the original does. With `named`, by these names of its parameters instead of the document's."""
    assert keyed.found is not None and keyed.names is not None  # noqa: PT018
    module = keyed.found.module.double()
    real = dict([*module.named_parameters(), *module.named_buffers()])
    told = named or {keyed.names[node]: real[name] for node, name in keyed.found.names.items() if node in keyed.names}
    starts = {name: keyed.builder.starts[id(t)] for name, t in told.items() if id(t) in keyed.builder.starts}
    places = {
        mode: [keyed.names.get(node, f"dead {i}") for i, node in enumerate(drawn)] for mode, drawn in keyed.found.draws.items()
    }
    if named:
        places = {mode: [f"place {i}" for i in range(len(drawn))] for mode, drawn in places.items()}
    result: Behaviour = {f"trainable {name}": t.requires_grad for name, t in told.items() if isinstance(t, nn.Parameter)}
    for name, (start, draw) in starts.items():
        group = sorted(other for other, (_, its) in starts.items() if its == draw)
        result[f"start {name}"] = (start, group if "constant" not in start else [name])
    return result | _called(module, told, keyed, lambda training, call: Told(places[training], call))


def _called(module: nn.Module, told: dict[str, Tensor], keyed: Keyed, mode_of: Any) -> Behaviour:
    real = dict([*module.named_parameters(), *module.named_buffers()])
    found: Behaviour = {}
    with torch.no_grad():
        for name, tensor in told.items():
            tensor.copy_(weights_for(name, tensor))
    trained = {name: t for name, t in told.items() if t.requires_grad}
    others = [t for t in real.values() if t.requires_grad and all(t is not p for p in trained.values())]
    for call, (training, batch) in enumerate(CALLS):
        module.train(training)
        inputs = [
            torch.randn((batch, *s), generator=generator("x", call, i), dtype=WIDE)
            for i, s in enumerate(keyed.builder.program.inputs)
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with mode_of(training, call):
                value = module(*inputs)
            outputs = list(value) if isinstance(value, tuple) else [value]
            found |= {f"output {i} of call {call}": output.detach() for i, output in enumerate(outputs)}
            terms = [(y * (uniform(y.shape, "weigh", i) - 0.5)).sum() for i, y in enumerate(outputs) if y.requires_grad]
            if terms:
                gradients = torch.autograd.grad(sum(terms), [*trained.values(), *others], allow_unused=True)
                for (name, tensor), gradient in zip(trained.items(), gradients, strict=False):
                    found[f"gradient of {name} in call {call}"] = torch.zeros_like(tensor) if gradient is None else gradient
                loose = [g.abs().max().item() for g in gradients[len(trained) :] if g is not None]
                found[f"gradients of what is not named in call {call}"] = torch.tensor([max(loose, default=0.0)], dtype=WIDE)
    names = {id(t): name for name, t in told.items() if not isinstance(t, nn.Parameter)}
    found |= {f"after, {names[id(t)]}": t.detach().clone() for t in told.values() if id(t) in names}
    return found


def rebuilt_behaviour(keyed: Keyed) -> Behaviour:
    """What the network of the document does, in the same words."""
    draws = ByNumber()
    wide = widened(graph_of(keyed.document))
    network = Network(wide, lambda node, number, begins: torch.zeros(node.shape, dtype=getattr(torch, node.dtype)), draws)
    told = dict([*network.named_parameters(), *network.named_buffers()])

    class Call:
        def __init__(self, call: int) -> None:
            draws.call = call

        def __enter__(self) -> None: ...

        def __exit__(self, *error: object) -> None: ...

    said: Behaviour = {f"trainable {name}": t.requires_grad for name, t in network.named_parameters()}
    sources = {
        name: network.graph.nodes[i].source("start") if network.graph.nodes[i].inputs else i for name, i in network._places
    }
    for name, source in sources.items():
        if name[0] == "p":
            init = network.graph.nodes[source].attrs["init"]
            said[f"start {name}"] = _in_words(init), sorted(other for other, its in sources.items() if its == source)
    return said | _called(network, told, keyed, lambda training, call: Call(call))


def _in_words(init: Any) -> str:
    """An initialisation of a document, as `starts` says it."""
    ((kind, numbers),) = init.items()
    word = {"const": "constant", "trunc_normal": "truncated"}.get(kind, kind)
    return " ".join([word, *(f"{number:.6g}" for number in (numbers if isinstance(numbers, list) else [numbers]))])


def difference(one: Behaviour, other: Behaviour) -> str:
    """What two behaviours differ in first; empty if in nothing."""
    for what in sorted({*one, *other}):
        a, b = one.get(what), other.get(what)
        if isinstance(a, Tensor) and isinstance(b, Tensor):
            if a.shape != b.shape:
                return f"{what}: shapes {list(a.shape)} and {list(b.shape)}"
            if a.dtype != b.dtype:
                return f"{what}: {a.dtype} and {b.dtype}"
            size = max(1e-3, a.abs().max().item() if a.numel() else 0.0)
            if not torch.allclose(a, b, rtol=1e-7, atol=1e-8 * size, equal_nan=True):
                return f"{what}: {(a - b).abs().max().item():.3g} apart, of {size:.3g}"
        elif what.startswith("gradient") and not any(bool(g.any()) for g in (a, b) if g is not None):
            continue
        elif isinstance(a, Tensor) or isinstance(b, Tensor) or a != b:
            return f"{what}: {a} and {b}"
    return ""
