"""A value as a text that is the same in each process, and another one for another value."""

import contextlib
import hashlib
import pickle
import re

PLAIN = (bool, int, float, complex, str, bytes, type(None))
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def plainly(value: object) -> str:
    """Numbers and texts as Python shows them; of anything else the hash of its content, or what is left of how it is shown."""
    if type(value) in PLAIN:
        return repr(value)
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    for told in (_packed, _shown):
        with contextlib.suppress(Exception):  # whatever can be neither says so in ways of its own
            return f"{kind} {told(value)}"
    return kind


def _packed(value: object) -> str:
    return hashlib.sha256(pickle.dumps(value, protocol=4)).hexdigest()


def _shown(value: object) -> str:
    return ADDRESS.sub("", repr(value))
