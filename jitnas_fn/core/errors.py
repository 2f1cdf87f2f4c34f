"""Every error a user can meet. One root; each leaf is also a built-in, so plain `except ValueError` works too."""


class JitnasError(Exception):
    """Root of all errors of jitnas_fn.

    Attributes
    ----------
    retryable
        True if the same request may succeed later without a change (a lost worker), False if it will not (bad input).
    """

    retryable: bool = False


class NotAModel(JitnasError, TypeError):
    """What was passed is no module, no zero-argument callable that builds one and no Architecture."""


class UnknownName(JitnasError, LookupError):
    """No dataset, recipe, record or other shelf entry has this name."""


class UnsupportedModel(JitnasError, ValueError):
    """The model cannot be given an exact key; the message names the operation or line and what to do."""


class UnknownInitialisation(JitnasError, ValueError):
    """How the parameters start cannot be told from this module object: pass a callable that builds it."""


class DocumentError(JitnasError, ValueError):
    """A document is malformed, past the bounds, or asks for an operation that does not exist."""


class FingerprintMismatch(JitnasError, ValueError):
    """A worker received an architecture whose fingerprint is not the one announced."""


class PointError(JitnasError, ValueError):
    """What is given is no point of this search space, or its network does not fit the input."""


class RecipeError(JitnasError, ValueError):
    """A recipe holds a value out of its range."""


class TaskError(JitnasError, ValueError):
    """A seed, key or limit is out of its range."""


class DatasetError(JitnasError, ValueError):
    """A dataset's content does not have the pinned hash, or cannot be loaded."""


class OutputMismatch(JitnasError, ValueError):
    """The network's input or output does not fit the dataset."""


class RecordError(JitnasError, ValueError):
    """A record or log entry is malformed, or its content hash does not match."""


class NewerVersion(JitnasError, ValueError):
    """Something was written by a newer version of jitnas_fn; the message says which to install."""


class EnvelopeError(JitnasError, ValueError):
    """A message on the wire is malformed or of another protocol version."""


class PayloadTooLarge(JitnasError, ValueError):
    """A payload is over the limit of what may be sent; the message says both sizes."""


class NotAllowed(JitnasError, PermissionError):
    """The site's administrator does not accept this payload or verb."""


class NotTabulated(JitnasError, LookupError):
    """A published table has no such network, or nobody here has the table: nothing is trained in its place."""


class TableError(JitnasError, ValueError):
    """A file is not the published table that it is said to be."""


class StoreError(JitnasError, OSError):
    """A store cannot be read or written (disk full, no permission, corrupt)."""


class LeaseLost(JitnasError, RuntimeError):
    """A lease is no longer held: it was not renewed in time and somebody else claimed its key, or its file was removed."""


class ModelFileError(JitnasError, ImportError):
    """The file given on the command line cannot be imported or lacks the name asked for."""


class SiteFileError(JitnasError, ValueError):
    """A site file cannot be read, or says something that it may not."""


class ModelFailed(JitnasError, RuntimeError):
    """The model itself raised an error while it was built, traced or trained."""


class WorkerLost(JitnasError, ConnectionError):
    """The process that trained is gone (crash, kill, node lost). Nothing was recorded; the same key may be asked again."""

    retryable = True


class SiteUnavailable(JitnasError, ConnectionError):
    """The site cannot be reached."""

    retryable = True


class WalltimeExceeded(JitnasError, RuntimeError):
    """The scheduler ended the job before the training did.

    No `TimeoutError`: `result(timeout)` raises that one while the training goes on.

    Attributes
    ----------
    kept
        The epoch from which another try goes on, 0 if it begins anew; None if nothing was begun, or nobody says.
    """

    retryable = True
    kept: int | None = None


class DeadlineExceeded(JitnasError, RuntimeError):
    """No answer came before the deadline of the evaluation. No `TimeoutError`, as `WalltimeExceeded`."""

    retryable = True


class Cancelled(JitnasError, RuntimeError):
    """The evaluation was cancelled on request."""


def named(name: str) -> type[JitnasError]:
    """The error class a wire message names; `JitnasError` itself for a name this version does not know."""
    found = globals().get(name)
    return found if isinstance(found, type) and issubclass(found, JitnasError) else JitnasError
