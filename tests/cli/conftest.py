"""The command line, called in this process."""

import pytest

from jitnas_fn.cli.app import run


@pytest.fixture
def jitnas(capfd):
    """Run a command in this process: exit code, standard output, standard error."""

    def command(*words):
        code = run([str(word) for word in words])
        return code, *capfd.readouterr()

    return command
