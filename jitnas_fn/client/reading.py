"""What a client does without training: look up, tell what is known, and why something is not."""

from concurrent.futures import Executor
from typing import SupportsIndex

from jitnas_fn.client.cache import users_ledger, users_store
from jitnas_fn.client.control import through
from jitnas_fn.client.explanation import Explanation, explained
from jitnas_fn.client.lookups import known, known_at, replicates
from jitnas_fn.client.request import plan_of, understood
from jitnas_fn.client.sync import from_url
from jitnas_fn.client.sync_site import from_site
from jitnas_fn.client.synced import Show, Synced, progress_of, quietly
from jitnas_fn.core.errors import TaskError
from jitnas_fn.core.interfaces import Store
from jitnas_fn.core.published import Published
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import Limits


class Reader:
    """A store, and the site that is asked for what the store does not have.

    Parameters
    ----------
    store, control, accept_imported
        See `Client`, which is one, and trains besides.
    """

    def __init__(self, *, store: Store | None, control: Executor | None, accept_imported: bool) -> None:
        self.store = users_store(imported=accept_imported) if store is None else store
        self._accept_imported = accept_imported
        self._ledger = users_ledger() if store is None else None
        self._control = control
        self._site = None if control is None else through(control)

    def lookup(
        self,
        model: object,
        *,
        dataset: str,
        recipe: str | Recipe | Published,
        seed: SupportsIndex = 0,
        limits: Limits | None = None,
        initialisation: str = "as built",
        validate: bool = True,
    ) -> Record | None:
        """The record of one task if it is known, else None; never trains. With a control path, the site is asked too."""
        request = understood(
            model,
            dataset=dataset,
            recipe=recipe,
            seed=seed,
            limits=limits,
            initialisation=initialisation,
            validate=validate,
            accept_imported=self._accept_imported,
        )
        record = known(self.store, request)
        if self._ledger is not None:
            self._ledger.note(hits=[record] if record else [], misses=[] if record else [request.task.key])
        return record or known_at(self._site, request, store=self.store)

    def records(
        self,
        model: object,
        *,
        dataset: str,
        recipe: str | Recipe | Published,
        initialisation: str = "as built",
        validate: bool = True,
    ) -> list[Record]:
        """Every record of a model on a dataset with a recipe: all seeds, all replicates, in the order of seeds, best first."""
        task = understood(
            model,
            dataset=dataset,
            recipe=recipe,
            initialisation=initialisation,
            validate=validate,
            accept_imported=self._accept_imported,
        ).task
        return replicates(task, self.store)

    def explain(
        self,
        model: object,
        *,
        dataset: str,
        recipe: str | Recipe,
        seed: SupportsIndex = 0,
        limits: Limits | None = None,
        initialisation: str = "as built",
        validate: bool = True,
    ) -> Explanation:
        """Why a look-up missed: what is known of the model under another seed, recipe, dataset version or limit, and of others.

        The others are the architectures nearest to it that have records on the dataset, each with how far it is, what
        differs, and the best that was reached with it. Printed it is text; `to_dict()` gives all of it as JSON.
        A published table has a network or has it not: of that there is nothing to explain.
        """
        if isinstance(plan_of(recipe, accept_imported=True), Published):
            raise TaskError("a published table has a network or has it not: what is explained are look-ups of what is trained")
        request = understood(
            model,
            dataset=dataset,
            recipe=recipe,
            seed=seed,
            limits=limits,
            initialisation=initialisation,
            validate=validate,
        )
        return explained(request, store=self.store)

    def sync(self, url: str | None = None, *, show: Show = quietly) -> Synced:
        """Bring the cache up to date: fetch what others trained since the last time.

        Offline it says so, and how old the cache is, and goes on.

        Parameters
        ----------
        url
            Of a shared store or a published snapshot: `https://…`, `sftp://…`, a path, whatever fsspec knows. None for the site
            that the control path leads to.
        show
            Called with the bytes read so far, and of how many, or None where that is not known.

        Raises
        ------
        TaskError
            If there is neither a URL nor a control path.
        StoreError
            If there is no store at the URL, or it is damaged.
        NewerVersion
            If a newer jitnas_fn wrote it.
        """
        if url is not None:
            return from_url(url, self.store, show=show, progress=progress_of(self.store))
        if self._control is None:
            raise TaskError("this client has no control path to a site: name a URL to synchronise from")
        return from_site(self._control, self.store, show=show, progress=progress_of(self.store))
