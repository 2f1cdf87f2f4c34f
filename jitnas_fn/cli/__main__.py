"""`python -m jitnas_fn.cli`."""

from jitnas_fn.cli.app import main

main()
