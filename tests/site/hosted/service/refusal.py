"""What the service answers instead of what it was asked for."""

import functools
import http


class Refused(Exception):
    """A request that is answered with an error, in the form that clients take apart."""

    def __init__(self, status, code, reason):
        super().__init__(reason)
        self.status = int(status)
        self.document = {
            "status": "Failed",
            "code": code,
            "error_args": [],
            "reason": reason,
            "http_status_code": self.status,
        }


unknown = functools.partial(Refused, http.HTTPStatus.NOT_FOUND)
forbidden = functools.partial(Refused, http.HTTPStatus.FORBIDDEN)
malformed = functools.partial(Refused, http.HTTPStatus.BAD_REQUEST, "REQUEST_MALFORMED")
