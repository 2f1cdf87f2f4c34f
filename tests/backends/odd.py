"""What fails where it is run or unpacked, sent by the tests."""


class Unreadable(Exception):
    """What can be packed and not unpacked."""

    def __reduce__(self):
        return _refuse, ()


class Bomb:
    """What raises, where it is unpacked, an error that cannot be unpacked."""

    def __reduce__(self):
        return _fail_unreadably, ()


def fail():
    raise ZeroDivisionError("in the block")


def _fail_unreadably():
    raise Unreadable


def _refuse():
    raise RuntimeError("not here")
