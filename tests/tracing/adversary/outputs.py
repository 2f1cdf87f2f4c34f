"""What forward returned, taken apart: its structure as text, and the tensors in it."""

import dataclasses

import torch


def taken_apart(out):
    """The structure with every name and constant in it, and the tensors in order."""
    tensors = []

    def told(x):
        if isinstance(x, torch.Tensor):
            tensors.append(x)
            return "T"
        if isinstance(x, dict):
            return "{" + ", ".join(f"{k!r}: {told(v)}" for k, v in x.items()) + "}"
        if isinstance(x, tuple) and hasattr(x, "_fields"):
            return type(x).__name__ + "(" + ", ".join(f"{k}={told(v)}" for k, v in x._asdict().items()) + ")"
        if isinstance(x, tuple | list):
            return "[" + ", ".join(told(v) for v in x) + "]"
        if dataclasses.is_dataclass(x):
            return (
                type(x).__name__ + "(" + ", ".join(f"{f.name}={told(getattr(x, f.name))}" for f in dataclasses.fields(x)) + ")"
            )
        return repr(x)

    return told(out), tensors
