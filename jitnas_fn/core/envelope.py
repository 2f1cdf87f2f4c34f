"""What crosses the wire: JSON text with a protocol version and a verb."""

from dataclasses import dataclass
from typing import Any

from jitnas_fn.core.bounds import whole
from jitnas_fn.core.codec import Json, canonical, parse
from jitnas_fn.core.errors import EnvelopeError, JitnasError, PayloadTooLarge, WalltimeExceeded, named
from jitnas_fn.core.recipe import RANGES

PROTOCOL = 1
VERBS = ("hello", "ping", "lookup", "since", "status", "cancel", "train")
PAYLOADS = ("graph", "cloudpickle")
MAX_PAYLOAD_BYTES = 8_000_000  # a Globus Compute submit request ends at 10 MB, its whole batch included
MAX_ENVELOPE_BYTES = 64_000_000
MAX_MESSAGE_CHARACTERS = 4_000  # of an error


@dataclass(frozen=True, slots=True)
class Envelope:
    """A request or its reply.

    Attributes
    ----------
    verb
        One of `VERBS`.
    body
        The verb's own fields. Requests: `keys` and `runs` (lookup, status, cancel), `tasks` (train), `cursor` (since),
        `processes` (ping).
        Replies: `results`, a list in the request's order; each has its key, and a record, a state or an error.
    error
        In a reply, why the whole request failed; None otherwise.
    """

    verb: str
    body: Json
    error: Json | None = None

    def to_json(self) -> str:
        """Canonical JSON text."""
        return canonical({**self.body, "protocol": PROTOCOL, "verb": self.verb, "error": self.error})

    @classmethod
    def from_json(cls, text: str) -> "Envelope":
        """Read an envelope that may be hostile; raises `EnvelopeError`."""
        fields = parse(text, max_bytes=MAX_ENVELOPE_BYTES, error=EnvelopeError, what="message")
        protocol, verb, error = fields.pop("protocol", None), fields.pop("verb", None), fields.pop("error", None)
        if protocol != PROTOCOL:
            raise EnvelopeError(
                f"this side speaks protocol {PROTOCOL}, the other {str(protocol)[:20]!r}: upgrade the older jitnas_fn"
            )
        if verb not in VERBS:
            raise EnvelopeError(f"no verb {str(verb)[:40]!r}; there are {', '.join(VERBS)}")
        if error is not None and not isinstance(error, dict):
            raise EnvelopeError("error is null or {type, message, retryable}")
        return cls(str(verb), fields, error)

    def items(self, name: str) -> list[Any]:
        """The list called `name` in the body; raises `EnvelopeError` if there is none."""
        found = self.body.get(name)
        if not isinstance(found, list):
            raise EnvelopeError(f"{self.verb} needs a list of {name}, not {type(found).__name__}")
        return found


def error_fields(error: BaseException) -> Json:
    """An exception as it travels: type, message and whether asking again may help; with what is kept, where it says so."""
    known = isinstance(error, JitnasError)
    kind = type(error).__name__ if known else "JitnasError"
    message = (str(error) if known else f"{type(error).__name__}: {error}")[:MAX_MESSAGE_CHARACTERS]
    fields: Json = {"type": kind, "message": message, "retryable": bool(getattr(error, "retryable", False))}
    kept = _epoch(error.kept) if isinstance(error, WalltimeExceeded) else None
    return fields if kept is None else {**fields, "kept": kept}


def raised(fields: Json) -> JitnasError:
    """The exception that error fields stand for, of the class they name; its message moves no terminal's cursor."""
    message = str(fields.get("message", "no message"))[:MAX_MESSAGE_CHARACTERS]
    error = named(str(fields.get("type")))("".join(c if c.isprintable() or c == "\n" else "?" for c in message))
    error.retryable = fields.get("retryable") is True  # of a class that this version may not know
    if isinstance(error, WalltimeExceeded):
        error.kept = _epoch(fields.get("kept"))
    return error


def _epoch(value: object) -> int | None:
    """A number of epochs, as a recipe may have them; None for anything else."""
    return whole(value, most=RANGES["epochs"][1])


def checked_size(text: str) -> str:
    """`text` if it may be sent as a payload, else `PayloadTooLarge`."""
    if len(text) > MAX_PAYLOAD_BYTES:
        raise PayloadTooLarge(
            f"this payload has {len(text) / 1e6:.1f} MB; at most {MAX_PAYLOAD_BYTES / 1e6:.0f} MB are sent. "
            "Large constants and by-value modules are the usual cause"
        )
    return text
