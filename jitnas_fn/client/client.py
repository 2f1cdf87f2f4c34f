"""Ask for a record: looked up when it is known, trained when it is not."""

from collections.abc import Iterable
from concurrent.futures import Executor
from types import TracebackType
from typing import Self, SupportsIndex

from jitnas_fn.client.control import in_process
from jitnas_fn.client.endings import see_to_the_end
from jitnas_fn.client.evaluation import Evaluation, awaited
from jitnas_fn.client.flights import Flights
from jitnas_fn.client.journal import Journal
from jitnas_fn.client.reading import Reader
from jitnas_fn.client.request import understood
from jitnas_fn.core.bounds import LONGEST_SECONDS, finite
from jitnas_fn.core.errors import TaskError
from jitnas_fn.core.interfaces import Store
from jitnas_fn.core.published import Published
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import Limits
from jitnas_fn.settings import home

WEEK_SECONDS = 7 * 24 * 3600.0


class Client(Reader):
    """A store to look in, an executor to train with, and a control path for what needs no GPU.

    It may be used from several threads. As a context manager it waits for what is under way, or cancels it if the block
    ended with an error.

    Parameters
    ----------
    store
        Where records are looked up and kept; None for the user's cache over the published snapshot. `jitnas cache info`
        counts what such a client is asked, and nothing that is asked of a store of one's own.
    executor
        Any `concurrent.futures.Executor`; None for this machine.
    control
        Executor for look-up, status and cancel where the trainings run; None for the one that `executor` brings along as its
        attribute `control`, if it has one. (This machine's own executor needs none.) What it knows is not trained again.
    deadline_seconds
        No evaluation stays open longer. [seconds]
    accept_imported
        Whether what others have published is good enough: then the tables that `jitnas cache import` took into the user's home
        answer too, where the recipe is one of theirs, such as nasbench201_200. They have no seed; nothing is trained by one.

    Raises
    ------
    TaskError
        If the deadline is no number above 0, or none that ever comes.
    """

    def __init__(
        self,
        *,
        store: Store | None = None,
        executor: Executor | None = None,
        control: Executor | None = None,
        deadline_seconds: float = WEEK_SECONDS,
        accept_imported: bool = False,
    ) -> None:
        if not finite(deadline_seconds, least=0, most=LONGEST_SECONDS):
            met = str(deadline_seconds)[:60]
            raise TaskError(f"deadline_seconds is a number above 0, at most {LONGEST_SECONDS:.0e}, not {met!r}")
        control = getattr(executor, "control", None) if control is None else control
        super().__init__(store=store, control=control, accept_imported=accept_imported)
        ask = in_process if executor is None and control is None else self._site
        self._flights = Flights(
            self.store,
            executor,
            control=control,
            ask=ask,
            ledger=self._ledger,
            journal=_journal_at(executor),
            deadline_seconds=deadline_seconds,
        )
        see_to_the_end(self._flights)

    def submit(
        self,
        model: object,
        *,
        dataset: str,
        recipe: str | Recipe | Published,
        seed: SupportsIndex = 0,
        limits: Limits | None = None,
        identity: str = "exact",
        initialisation: str = "as built",
        validate: bool = True,
        payload: str = "graph",
    ) -> Evaluation:
        """Look one task up, and have it trained if it is not known. Returns at once.

        Parameters
        ----------
        model
            `nn.Module`, zero-argument callable that builds one, or `Architecture`. It is neither changed nor trained itself:
            the network that is trained is rebuilt from its architecture.
        dataset
            Name of a dataset.
        recipe
            Name of a recipe, or a recipe.
        seed
            0…2⁶³−1.
        limits
            What the training may take; None for no limit.
        identity
            "exact", or "none" to train what cannot be keyed: as it is, never looked up, under an id `opaque-<uuid>`.
        initialisation
            "as built", or "default" to accept redrawn weights for a module whose weights do not look like PyTorch's defaults.
        validate
            Whether the network rebuilt from the architecture is run beside the model on small random inputs before its key is
            trusted. A record says under `provenance.validation` whether it was.
        payload
            What is sent: "graph", the document; or "cloudpickle", code without weights, where the site accepts it.

        Raises
        ------
        NotAModel, UnsupportedModel, UnknownInitialisation
            If the model has no exact key; the message says why and what to do.
        UnknownName, RecipeError, TaskError, OutputMismatch, PayloadTooLarge
            If dataset, recipe, seed or limits are wrong, or do not fit the model. What goes wrong later ends the evaluation.
        """
        request = understood(
            model,
            dataset=dataset,
            recipe=recipe,
            seed=seed,
            limits=limits,
            identity=identity,
            initialisation=initialisation,
            validate=validate,
            payload=payload,
            accept_imported=self._accept_imported,
        )
        return self._flights.board([request])[0]

    def evaluate(
        self,
        model: object,
        *,
        dataset: str,
        recipe: str | Recipe | Published,
        seed: SupportsIndex = 0,
        limits: Limits | None = None,
        identity: str = "exact",
        initialisation: str = "as built",
        validate: bool = True,
        payload: str = "graph",
    ) -> Record:
        """The record of one task: `submit(...).result()`. Ctrl-C cancels the training."""
        evaluation = self.submit(
            model,
            dataset=dataset,
            recipe=recipe,
            seed=seed,
            limits=limits,
            identity=identity,
            initialisation=initialisation,
            validate=validate,
            payload=payload,
        )
        return awaited(evaluation)

    def map(  # noqa: PLR0913  submit's parameters, and the seeds
        self,
        models: Iterable[object],
        *,
        dataset: str,
        recipe: str | Recipe | Published,
        seed: SupportsIndex = 0,
        seeds: Iterable[SupportsIndex] | None = None,
        limits: Limits | None = None,
        identity: str = "exact",
        initialisation: str = "as built",
        validate: bool = True,
        payload: str = "graph",
    ) -> list[Evaluation]:
        """Submit many models; a task that occurs twice is trained once, and is one evaluation in the list.

        Parameters
        ----------
        models
            See `submit`, also for the other parameters. All are understood before the first is sent.
        seeds
            Several seeds for each model; `seed` counts if this is None.

        Returns
        -------
        list[Evaluation]
            Model by model, seed by seed. `concurrent.futures.as_completed` takes it.
        """
        chosen = [seed] if seeds is None else list(seeds)
        first = [
            understood(
                model,
                dataset=dataset,
                recipe=recipe,
                limits=limits,
                identity=identity,
                initialisation=initialisation,
                validate=validate,
                payload=payload,
                accept_imported=self._accept_imported,
            )
            for model in models
        ]
        return self._flights.board([request.with_seed(one) for request in first for one in chosen])

    def attach(self) -> list[Evaluation]:
        """Take up what an earlier process of this user has asked of the same site, with the same options, and did not wait for.

        A laptop was closed, a notebook's kernel restarted, a script killed: what was trained meanwhile comes as its record, and
        what was lost is sent again, under the same key. `jitnas jobs` lists what was left. Only an executor whose trainings
        outlive its process, such as `globus_compute`, leaves anything.

        Returns
        -------
        list[Evaluation]
            The oldest first. What cannot be taken up any more (a dataset changed) is told of in a warning.
        """
        return self._flights.attach()

    def close(self) -> None:
        """Wait for what is under way, and end the executor if it is the client's own."""
        self._flights.close()

    def stop(self) -> None:
        """Cancel what is under way, and end the executor if it is the client's own."""
        self._flights.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.stop()


def _journal_at(executor: Executor | None) -> Journal | None:
    """Where is kept what is under way at a place that says what it is: there it outlives this process."""
    place = getattr(executor, "place", None)
    return Journal(home(), place=place) if isinstance(place, dict) else None
