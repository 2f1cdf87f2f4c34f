"""What the `eta` of one evaluation is judged by: the site's experience, else that of the client's own store."""

from collections.abc import Callable
from concurrent.futures import Executor
from functools import cached_property

from jitnas_fn.client.eta import Eta, eta, span_in
from jitnas_fn.client.evaluation import Evaluation
from jitnas_fn.client.request import Request
from jitnas_fn.client.status import Status
from jitnas_fn.core.bounds import whole
from jitnas_fn.core.codec import Json
from jitnas_fn.core.forecast import About
from jitnas_fn.core.interfaces import Store
from jitnas_fn.worker.experience import expected

LOCAL = "local"  # the name of a site that says none


class Outlook:
    """Of one request.

    Parameters
    ----------
    request
        What was asked for.
    store
        The client's own, which counts where the site has none.
    ahead
        How many evaluations of the client were sent before one and are not done.
    executor
        Where it is trained; its `beside(jobs)`, if it has that, tells how many trainings run beside each other.
    """

    def __init__(
        self, request: Request, *, store: Store, ahead: Callable[[Evaluation], int], executor: Callable[[], Executor | None]
    ) -> None:
        self._request, self._store, self._ahead, self._executor = request, store, ahead, executor

    @cached_property
    def about(self) -> About:
        """What of the task says how long it takes."""
        task, architecture = self._request.task, self._request.architecture
        return About(
            fingerprint="" if architecture is None else architecture.fingerprint,
            dataset=task.dataset_sha256,
            recipe=task.recipe.sha256,
            epochs=task.recipe.epochs,
            macs=0 if architecture is None else architecture.macs,
        )

    def eta(self, evaluation: Evaluation, status: Status, answer: Json) -> Eta | None:
        """The estimate for an evaluation that is not done, from its status and the site's answer."""
        known = answer.get("expected")
        if not isinstance(known, dict) or known.get("training") is None:
            named = answer.get("site")
            known = expected(self.about, self._store, site=named if isinstance(named, str) else LOCAL)
        blocks = answer.get("blocks")
        jobs = blocks.get("running") if isinstance(blocks, dict) else None
        return eta(
            status,
            answer,
            training=span_in(known.get("training")),
            pending=span_in(known.get("pending")),
            ahead=self._ahead(evaluation),
            beside=self._beside(whole(jobs, least=1)),
        )

    def _beside(self, jobs: int | None) -> int:
        executor = self._executor()
        told = getattr(executor, "beside", None)
        return int(told(jobs)) if callable(told) else 1
