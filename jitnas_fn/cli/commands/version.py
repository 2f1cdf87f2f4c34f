"""`jitnas version`."""

import importlib.metadata
import platform

import jitnas_fn
from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.core.envelope import PROTOCOL
from jitnas_fn.core.record import RECORD_VERSION
from jitnas_fn.core.task import KEY_VERSION


def version(*, as_json: options.AsJson = False) -> None:
    """Versions of jitnas_fn, of what it runs on, and of what it writes."""
    with answering(as_json=as_json) as answer:
        fields = {
            "jitnas_fn": jitnas_fn.__version__,
            "python": platform.python_version(),
            "torch": importlib.metadata.version("torch"),
            "key_version": KEY_VERSION,
            "record_version": RECORD_VERSION,
            "protocol": PROTOCOL,
        }
        answer.give(fields, text="\n".join(f"{name:<16}{value}" for name, value in fields.items()))


COMMAND = version
