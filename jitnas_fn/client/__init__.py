"""The user's side: a store, an executor, and futures that know their key."""

from jitnas_fn.client.client import Client
from jitnas_fn.client.evaluation import Evaluation
from jitnas_fn.client.explanation import Explanation
from jitnas_fn.client.status import Status

__all__ = ["Client", "Evaluation", "Explanation", "Status"]
