"""HTTP: a request is counted, may meet a fault, is carried out by the function of its route, and answered in JSON."""

import dataclasses
import functools
import http.server
import json
import logging
import re
import socket
import time
import urllib.parse

from tests.site.hosted.addresses import ADDRESS
from tests.site.hosted.service import counting, endpoints, faults, for_tests, functions, identity, limits, results, tasks
from tests.site.hosted.service.broker import Broker
from tests.site.hosted.service.refusal import Refused, malformed, unknown
from tests.site.hosted.service.state import State

log = logging.getLogger("service")
VERSION = {"api": "1.60.0", "min_ep_version": "2.0.0", "min_sdk_version": "2.0.0"}


def version(service, request):
    return VERSION if request.query.get("service") == "all" else VERSION["api"]


ROUTES = (
    ("GET", "/v2/version", version),
    *identity.ROUTES,
    *functions.ROUTES,
    *endpoints.ROUTES,
    *tasks.ROUTES,
    *for_tests.ROUTES,
)
OF_TESTS = {function for _, _, function in for_tests.ROUTES}  # neither counted nor disturbed
WITHOUT_TOKEN = {version, *identity.OPEN, *OF_TESTS}
PATTERNS = [
    (method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[0-9a-f-]{36})", path)), path, function)
    for method, path, function in ROUTES
]


class Service:
    """The parts of the service, as the functions of the routes see them."""

    def __init__(self, folder, amqp_url):
        folder.mkdir(parents=True, exist_ok=True)
        self.state = State(folder)
        self.identities = identity.Identities(folder)
        self.faults = faults.Faults(folder, self.state.user_endpoints)
        self.pace, self.counter = limits.Pace(), counting.Counter()
        self.sending = set()  # submissions that the broker will get, as long as this process lives
        handlers = {"results": results.take_result, "heartbeats": results.take_heartbeat}
        self.broker = Broker(amqp_url, {kind: functools.partial(take, self) for kind, take in handlers.items()})


@dataclasses.dataclass
class Request:
    caller: identity.Identity | None
    authorization: str | None
    ids: dict
    query: dict
    document: dict
    form: dict


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    service = None

    def answer(self):
        begun = time.monotonic()
        url = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        route, function, ids = find_route(self.command, url.path)
        fault = None
        if function not in OF_TESTS:
            self.service.counter.count(route)
            fault = self.service.faults.of_answer(self.command, url.path)
        status, document = self.carry_out(function, ids, url, body, fault)
        if fault and fault.get("close"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            log.info("closed: %s %s", self.command, self.path)
            return
        self.send(status, document)
        if function in OF_TESTS:
            return
        self.service.counter.count_status(status)
        log.info("%s %s %s: %d bytes, %.3f s", status, self.command, self.path, len(body), time.monotonic() - begun)

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - so the base class calls them

    def carry_out(self, function, ids, url, body, fault):
        """Status and document of the answer, with the fault that it meets."""
        told = None
        if fault and "hang" in fault:
            self.service.faults.hang(fault["hang"])
        if fault and "status" in fault:
            told = Refused(fault["status"], "FAULT", "a fault that a test switched on")
        if fault and not fault.get("after") and (told or fault.get("close")):
            return (told.status, told.document) if told else (0, {})
        try:
            done = 200, function(self.service, self.understand(function, ids, url, body))
        except Refused as refused:
            done = refused.status, refused.document
        except Exception as error:
            log.exception("%s %s", self.command, self.path)
            done = 500, Refused(500, "INTERNAL", repr(error)).document
        return (told.status, told.document) if told else done

    def understand(self, function, ids, url, body):
        """What is asked, and by whom."""
        limits.check_size(len(body))
        kind, authorization = self.headers.get("Content-Type", ""), self.headers.get("Authorization")
        caller = None if function in WITHOUT_TOKEN else self.service.identities.who(authorization)
        document, form = {}, {}
        try:
            if "json" in kind and body:
                document = json.loads(body)
            elif body:
                form = dict(urllib.parse.parse_qsl(body.decode()))
        except ValueError as error:
            raise malformed(f"the body is not what {kind} means: {error}") from None
        return Request(caller, authorization, ids, dict(urllib.parse.parse_qsl(url.query)), document, form)

    def send(self, status, document):
        text = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        """Said in other words, with the time that it took."""


def find_route(method, path):
    """The route of a request as it is counted, its function, and the ids in its path."""
    for own_method, pattern, route, function in PATTERNS:
        if own_method == method and (found := pattern.fullmatch(path)):
            return f"{method} {route}", function, found.groupdict()
    return f"{method} elsewhere", nothing_here, {}


def nothing_here(service, request):
    raise unknown("NOT_FOUND", "there is nothing at this path")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def serve(folder, amqp_url, port):
    """Serve for ever."""
    service = Service(folder, amqp_url)
    server = Server((ADDRESS, port), type("HandlerOfService", (Handler,), {"service": service}))
    service.broker.start()
    tasks.send_waiting(service)
    log.info("serves at port %d", port)
    server.serve_forever()
