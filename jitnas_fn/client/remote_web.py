"""Parts of files on a web server, of which no more comes than is asked for, whether the server knows ranges or not."""

from collections.abc import Iterator
from typing import Any

BLOCK_BYTES = 1 << 20
CONNECT_SECONDS, SILENT_SECONDS = 30.0, 60.0
PARTIAL, PAST_THE_END = 206, 416


class WebFiles:
    """Reads parts of files, each answer only as far as it is wanted.

    A server that knows no ranges sends the file from its beginning. That answer is kept open: a part further on is taken from
    it when its turn comes, so that reading a file part by part costs the file once, and no room.

    Parameters
    ----------
    files
        An fsspec file system of the protocols http and https.
    """

    def __init__(self, files: Any) -> None:
        self._files = files
        self._place, self._answer, self._at = "", None, 0

    def read(self, place: str, *, start: int, size: int) -> bytes:
        """`size` bytes of a file from `start` on, fewer at its end.

        Raises
        ------
        FileNotFoundError
            If the server says that there is none.
        Exception
            Whatever aiohttp raises where the server cannot be reached, or is silent for a minute.
        """
        if size <= 0:
            return b""
        if self._answer is not None and self._place == place and 0 < self._at <= start:
            return self._further(start, size)
        self.close()
        try:
            answer = self._asked(place, start, size)
        except Exception as reason:
            if getattr(reason, "status", None) == PAST_THE_END:
                return b""
            raise
        if answer.r.status == PARTIAL:
            try:
                return b"".join(_blocks(answer, size))
            finally:
                answer.close()
        self._place, self._answer, self._at = place, answer, 0
        return self._further(start, size)

    def close(self) -> None:
        """Break off an answer that is still open."""
        if self._answer is not None:
            self._answer.close()
        self._place, self._answer, self._at = "", None, 0

    def _asked(self, place: str, start: int, size: int) -> Any:
        """The answer as a stream: `block_size` 0 asks for one, and a given `size` spares asking for that of the file."""
        from aiohttp import ClientTimeout

        headers = {"Range": f"bytes={start}-{start + size - 1}", "Accept-Encoding": "identity"}
        timeout = ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENT_SECONDS)
        return self._files.open(place, "rb", block_size=0, size=1, headers=headers, timeout=timeout)

    def _further(self, start: int, size: int) -> bytes:
        """A part of the open answer, which has come no further than `start`."""
        self._at += sum(map(len, _blocks(self._answer, start - self._at)))
        content = b"".join(_blocks(self._answer, size))
        self._at += len(content)
        return content


def _blocks(answer: Any, size: int) -> Iterator[bytes]:
    """The next `size` bytes, as they come."""
    while size > 0 and (block := answer.read(min(size, BLOCK_BYTES))):
        size -= len(block)
        yield block
