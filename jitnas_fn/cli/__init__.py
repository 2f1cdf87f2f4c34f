"""The command line. Each file in `commands` is a command; only the one that is asked for is imported."""

from jitnas_fn.cli.app import main

__all__ = ["main"]
