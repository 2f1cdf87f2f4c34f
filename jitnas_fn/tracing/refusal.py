"""What cannot be said exactly is refused, and stays refused if the model catches it."""

import sys
from typing import Any, NoReturn

from jitnas_fn.core.errors import UnsupportedModel

REFUSALS: list[UnsupportedModel] = []  # of the capture that runs
HINT = "or evaluate it without a key: identity='none'"


def refuse(what: str, instead: str) -> NoReturn:
    """Raise `UnsupportedModel` that names the line of the model."""
    REFUSALS.append(refusal(what, instead))
    raise REFUSALS[-1]


def refusal(what: str, instead: str) -> UnsupportedModel:
    """The error that says so."""
    return UnsupportedModel(f"{what}{_line()}; {instead}, {HINT}")


def _line() -> str:
    """The innermost frame of the model's own code, as (net.py, line 12); empty outside of its forward."""
    frame: Any = sys._getframe(1)
    found = ""
    while frame is not None and not _is_capture(frame):
        module = frame.f_globals.get("__name__", "")
        if not found and not module.startswith(("torch.", "jitnas_fn.")) and module != "torch":
            name = frame.f_code.co_filename.replace("\\", "/").rsplit("/", 1)[-1]
            found = f" ({name}, line {frame.f_lineno})"
        frame = frame.f_back
    return "" if frame is None else found


def _is_capture(frame: Any) -> bool:
    return bool(frame.f_code.co_name == "traced_call" and frame.f_globals.get("__name__") == "jitnas_fn.tracing.capture")
