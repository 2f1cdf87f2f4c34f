"""What forward computes from constants alone runs for real; only its result, where the trace meets it, becomes content.

So a mask, a positional encoding or an index may be made in any way that torch knows. It must be the same at every call: what
draws random numbers or writes into a tensor that was there before the call is refused.
"""

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from jitnas_fn.tracing.batch import Batch
from jitnas_fn.tracing.outside import outside_the_trace
from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.traced import Recorder, mark_of

STATE = "keep no state in forward"
# Functions that look at no number.
QUESTIONS = {
    function if callable(function) else function.__get__
    for name in (
        *("shape", "dtype", "device", "ndim", "size", "dim", "numel", "nelement", "stride", "is_floating_point", "is_complex"),
        *(
            "requires_grad",
            "is_cuda",
            "layout",
            "is_contiguous",
            "__hash__",
            "get_device",
            "element_size",
            "is_meta",
            "is_sparse",
        ),
    )
    if (function := getattr(Tensor, name, None)) is not None
}
# What would reach into a tensor past torch's kernels.
CLOSED = {
    "__set__",
    "__delete__",
    "requires_grad_",
    "set_",
    "resize_",
    "resize_as_",
    "register_hook",
    "backward",
    "retain_grad",
} | {
    *("share_memory_", "numpy", "__array__", "data_ptr", "untyped_storage", "storage", "__dlpack__", "__setstate__", "apply_"),
    *("map_", "map2_", "register_post_accumulate_grad_hook", "__reduce_ex__", "detach_", "__deepcopy__"),
}


def concerns_trace(recorder: Recorder, args: Any) -> bool:
    """Whether a traced tensor, a parameter or the batch size is among the arguments."""
    for item in args:
        if isinstance(item, Tensor):
            if mark_of(item) is not None or id(item) in recorder.parameters:
                return True
        elif type(item) is Batch:
            return True
        elif type(item) in (tuple, list, torch.Size):
            if concerns_trace(recorder, item):
                return True
        elif type(item) is slice and concerns_trace(recorder, (item.start, item.stop, item.step)):
            return True
    return False


class ForReal(TorchDispatchMode):
    """Runs functions of constants, and watches what they do.

    Parameters
    ----------
    recorder
        Of the call; it learns which buffers are read.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here; without this, torch imports its compiler for a second or two."""
        return False

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.recorder = recorder
        self._made: dict[int, Any] = {}  # storages made in this call, kept alive

    def run(self, function: Any, args: Any, kwargs: Any) -> Any:
        """The value of `function`, none of whose arguments is traced."""
        if function in QUESTIONS:
            return function(*args, **kwargs)
        if function.__name__ in CLOSED:
            refuse(f"{function.__name__} of a tensor that is not traced", STATE)
        with outside_the_trace(), self:
            return function(*args, **kwargs)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if torch.Tag.nondeterministic_seeded in func.tags:
            refuse(f"{func} draws random numbers", "use dropout, or torch.rand and randn with the shape of a sample")
        named = dict(zip([argument.name for argument in func._schema.arguments], args, strict=False)) | (kwargs or {})
        for argument in func._schema.arguments:
            value = named.get(argument.name)
            written = argument.alias_info is not None and argument.alias_info.is_write
            for tensor in value if isinstance(value, (tuple, list)) else [value]:
                if isinstance(tensor, Tensor):
                    self.recorder.read(tensor)
                    if written and tensor.untyped_storage()._cdata not in self._made:
                        refuse("forward writes into a tensor that outlives it", STATE)
        value = func(*args, **(kwargs or {}))
        for tensor in value if isinstance(value, (tuple, list)) else [value]:
            if isinstance(tensor, Tensor) and not func.is_view:
                self._made[tensor.untyped_storage()._cdata] = tensor.untyped_storage()
        return value
