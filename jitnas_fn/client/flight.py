"""One task on its way to a record."""

import uuid
from dataclasses import dataclass, field

from jitnas_fn.client.evaluation import Evaluation
from jitnas_fn.client.losses import Losses
from jitnas_fn.client.request import Request, request_in


@dataclass(frozen=True, slots=True)
class Ticket:
    """A request that is ready to be sent: the name under which it runs, and the message that asks for it."""

    request: Request
    run: str
    message: str


@dataclass(frozen=True, slots=True)
class Flight:
    """A ticket under way: its evaluation, and what was lost of it so far."""

    ticket: Ticket
    evaluation: Evaluation
    losses: Losses = field(default_factory=Losses)

    @property
    def request(self) -> Request:
        """What was asked for."""
        return self.ticket.request


def ticket_of(request: Request, *, lost: str | None = None) -> Ticket:
    """What sends a request: as a new run, or as one that was lost and goes on, so that it does not wait for itself.

    Raises
    ------
    PayloadTooLarge
        If the message is too large.
    ModelFailed
        If the model cannot be pickled.
    """
    run = lost or uuid.uuid4().hex
    return Ticket(request, run, request.message(run))


def ticket_from(run: str, message: str) -> Ticket:
    """The ticket that a message was made from, as an earlier process of this user has written it down.

    Raises
    ------
    JitnasError
        If it is of another version, or damaged, or the dataset is another by now.
    """
    return Ticket(request_in(message), run, message)
