"""The table of torch functions that are known. What is not in it is refused: the world is closed."""

from collections.abc import Callable
from typing import Any

Handler = Callable[..., Any]
TABLE: dict[Any, Handler] = {}


def spelled(*functions: Any) -> Callable[[Handler], Handler]:
    """Register a handler for every spelling of an operation.

    A handler is called as `handler(recorder, *args, **kwargs)` with the arguments of the torch function, whose parameter names
    it repeats. An argument it does not name is refused.
    """

    def register(handler: Handler) -> Handler:
        for function in functions:
            if function is None:  # a spelling that this torch does not have
                continue
            if TABLE.setdefault(function, handler) is not handler:
                raise ImportError(f"torch has been patched: {function} stands for two operations")
        return handler

    return register


def numbers(value: Any, count: int) -> list[Any]:
    """`value`, a number or a sequence of them, as a list of `count` (PyTorch repeats a single one)."""
    if not isinstance(value, (tuple, list)):
        return [value] * count
    return list(value) * count if len(value) == 1 else list(value)
