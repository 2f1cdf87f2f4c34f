"""Files at a URL, through fsspec: parts of them, and what is said when they cannot be had."""

import re
from typing import Any

from jitnas_fn.core.errors import SiteUnavailable, StoreError

MAX_URL_CHARACTERS = 2_000
_LOGIN = re.compile(r"//[^/@]*@")


class Missing(StoreError):
    """The place was reached, and there is no such file."""


class Remote:
    """A folder at a URL.

    Parameters
    ----------
    url
        Whatever fsspec knows (`https://…`, `sftp://…`, `file://…`, `memory://…`), or a path.

    Attributes
    ----------
    name
        The URL without login, to be shown and remembered.

    Raises
    ------
    StoreError
        If it is none, or its protocol is unknown or not installed.
    """

    def __init__(self, url: str) -> None:
        if not isinstance(url, str) or not 0 < len(url) <= MAX_URL_CHARACTERS or not url.isprintable():
            raise StoreError(f"a URL is printable text of at most {MAX_URL_CHARACTERS:,} characters, not {str(url)[:80]!r}")
        from fsspec.core import url_to_fs

        self.name = _LOGIN.sub("//", url).rstrip("/")
        try:
            self._files, self._folder = url_to_fs(url)
        except ImportError as reason:
            raise StoreError(f"{self.name} cannot be read: {reason}. pip install 'jitnas_fn[sync]'") from None
        except ValueError as reason:
            raise StoreError(f"{self.name} cannot be read: {reason}; there are file, https, sftp, memory and others") from None
        except Exception as reason:  # a server is asked already, by some protocols
            raise self._unreachable(reason) from reason

    def read(self, path: str, *, start: int, size: int) -> bytes:
        """`size` bytes of a file from `start` on, fewer at its end.

        Raises
        ------
        Missing
            If there is no such file.
        SiteUnavailable
            If the place cannot be reached.
        """
        place = f"{self._folder.rstrip('/')}/{path}"
        try:
            content: Any = self._files.cat_file(place, start=start, end=start + size)
        except FileNotFoundError:
            raise Missing(f"there is no {path} at {self.name}") from None
        except Exception as reason:
            raise self._unreachable(reason) from reason
        if not isinstance(content, bytes):
            raise StoreError(f"{self.name} gives {type(content).__name__} for {path}, not bytes")
        return content if len(content) <= size else content[start : start + size]  # from a server that knows no ranges

    def _unreachable(self, reason: Exception) -> SiteUnavailable:
        return SiteUnavailable(f"{self.name} cannot be reached ({type(reason).__name__}: {str(reason)[:200]})")
