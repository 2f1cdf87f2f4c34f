"""What a failure is on the command line."""

from jitnas_fn.cli.failures import show, show_warning
from jitnas_fn.core.errors import StoreError


def test_a_failure_is_one_line_of_plain_text(capsys):
    show(StoreError("\x1b[2J\x07two\nlines"))
    show_warning("\x1b[2J\x07two\nlines", RuntimeWarning, "file", 1)
    assert capsys.readouterr().err == "jitnas: ?[2J?two lines\njitnas: warning: ?[2J?two lines\n"
