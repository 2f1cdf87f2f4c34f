"""`python -m jitnas_fn`, the same as `jitnas`."""

from jitnas_fn.cli.app import main

main()
