"""Searches: one, several compared, and replays of published tables."""

from jitnas_fn.search.found import Found, Incumbent, Step
from jitnas_fn.search.searching import IN_FLIGHT, search

__all__ = ["IN_FLIGHT", "Found", "Incumbent", "Step", "search"]
