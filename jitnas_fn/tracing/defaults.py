"""How PyTorch's own layers initialise their parameters."""

import math

from torch import nn

from jitnas_fn.core.codec import Json
from jitnas_fn.graphs.initialisations import joined

UNIFORM_OVER_HIDDEN = (nn.RNNBase, nn.RNNCellBase)


NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


def defaults_of(model: nn.Module) -> dict[int, Json]:
    """PyTorch's own initialisation of the parameters and statistics of its layers, by the id of the tensor."""
    found: dict[int, Json] = {}
    for module in model.modules():
        own = {**module._parameters, **module._buffers}  # not by attribute, which a parametrization computes
        weight = own.get("weight")
        if isinstance(module, (nn.modules.conv._ConvNd, nn.Linear)) and weight is not None and weight.numel():
            bound = 1 / math.sqrt(math.prod(weight.shape[1:]))  # kaiming_uniform_(a=√5), and the same for the bias
            found |= {id(own.get(name)): {"uniform": [-bound, bound]} for name in ("weight", "bias")}
        elif isinstance(module, NORMS):
            constants = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}
            found |= {id(own.get(name)): {"const": value} for name, value in constants.items()}
        elif isinstance(module, nn.PReLU):
            found[id(weight)] = {"const": 0.25}
        elif isinstance(module, UNIFORM_OVER_HIDDEN):
            bound = 1 / math.sqrt(module.hidden_size)
            found |= {id(tensor): {"uniform": [-bound, bound]} for tensor in own.values()}
        elif isinstance(module, nn.Embedding) and weight is not None:
            found[id(weight)] = _embedded(module)
        elif isinstance(module, nn.MultiheadAttention):
            found |= _attending(module)
    return found


def _embedded(module: nn.Embedding) -> Json:
    """Standard normal rows; the one that pads is zero."""
    drawn: Json = {"normal": [0.0, 1.0]}
    if module.padding_idx is None:
        return drawn
    before, after = module.padding_idx, module.num_embeddings - module.padding_idx - 1
    return joined([(count, init) for count, init in ((before, drawn), (1, {"const": 0.0}), (after, drawn)) if count])


def _attending(module: nn.MultiheadAttention) -> dict[int, Json]:
    """Xavier-uniform projections; no bias at first, also not in the last layer."""
    found: dict[int, Json] = {}
    for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
        weight = module._parameters.get(name)
        if weight is not None:
            bound = math.sqrt(6 / sum(weight.shape))
            found[id(weight)] = {"uniform": [-bound, bound]}
    for bias in (module._parameters.get("in_proj_bias"), module.out_proj._parameters.get("bias")):
        if bias is not None:
            found[id(bias)] = {"const": 0.0}
    return found
