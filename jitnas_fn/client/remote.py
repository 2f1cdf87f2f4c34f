"""Files at a URL, through fsspec: parts of them, and what is said when they cannot be had."""

import re
from typing import Any

from jitnas_fn.client.remote_web import WebFiles
from jitnas_fn.core.errors import SiteUnavailable, StoreError

MAX_URL_CHARACTERS = 2_000
_LOGIN = re.compile(r"//[^/@]*@")
BUSY = (408, 425, 429, 502, 503, 504)  # what a server answers when it may answer otherwise soon


class Missing(StoreError):
    """The place was reached, and there is no such file."""


class Unreadable(Missing):
    """The file is there, and the place does not give it out."""


def name_of(url: str) -> str:
    """A URL without login, to be shown and remembered; raises `StoreError` if it is none."""
    if not isinstance(url, str) or not 0 < len(url) <= MAX_URL_CHARACTERS or not url.isprintable():
        raise StoreError(f"a URL is printable text of at most {MAX_URL_CHARACTERS:,} characters, not {str(url)[:80]!r}")
    return _LOGIN.sub("//", url).rstrip("/")


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
    SiteUnavailable
        If the place cannot be reached, where that shows at once.
    """

    def __init__(self, url: str) -> None:
        self.name = name_of(url)
        from fsspec.core import url_to_fs

        try:
            self._files, self._folder = url_to_fs(url)
        except ImportError as reason:
            raise StoreError(f"{self.name} cannot be read: {reason}. pip install 'jitnas_fn[sync]'") from None
        except ValueError as reason:
            raise StoreError(f"{self.name} cannot be read: {reason}; there are file, https, sftp, memory and others") from None
        except Exception as reason:  # a server is asked already, by some protocols
            raise self._unreachable(reason) from reason
        names = self._files.protocol
        protocols = {names} if isinstance(names, str) else set(names)
        self._web = WebFiles(self._files) if "http" in protocols else None
        self._is_local = "file" in protocols

    def read(self, path: str, *, start: int, size: int) -> bytes:
        """`size` bytes of a file from `start` on, fewer at its end.

        Raises
        ------
        Missing
            If there is no such file.
        StoreError
            If it is a folder of this machine, which is not there.
        SiteUnavailable
            If the place cannot be reached.
        """
        place = f"{self._folder.rstrip('/')}/{path}"
        try:
            content = self._content(place, start, size)
        except (FileNotFoundError, NotADirectoryError):
            if self._is_local and not self._files.isdir(self._folder):
                raise StoreError(f"there is no folder {self.name}: is it mounted?") from None
            raise Missing(f"there is no {path} at {self.name}") from None
        except Exception as reason:
            if _is_of_the_file(reason):
                raise Unreadable(
                    f"{path} at {self.name} cannot be read ({type(reason).__name__}: {str(reason)[:200]})"
                ) from None
            raise self._unreachable(reason) from reason
        if not isinstance(content, bytes):
            raise StoreError(f"{self.name} gives {type(content).__name__} for {path}, not bytes")
        return content[:size]

    def close(self) -> None:
        """End what may still be under way."""
        if self._web is not None:
            self._web.close()

    def _content(self, place: str, start: int, size: int) -> Any:
        if self._web is not None:
            return self._web.read(place, start=start, size=size)
        return self._files.cat_file(place, start=start, end=start + size)

    def _unreachable(self, reason: Exception) -> SiteUnavailable:
        return SiteUnavailable(f"{self.name} cannot be reached ({type(reason).__name__}: {str(reason)[:200]})")


def _is_of_the_file(reason: Exception) -> bool:
    """Whether an error concerns this one file, while others may well be read."""
    status = getattr(reason, "status", None)
    if isinstance(status, int):  # of a server's answer: too busy just now, and all others
        return 400 <= status < 600 and status not in BUSY
    return isinstance(reason, (IsADirectoryError, PermissionError)) or type(reason).__name__ == "ClientPayloadError"
