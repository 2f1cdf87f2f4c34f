"""A stand-in for the hosted service: `python -m tests.site.hosted.service FOLDER AMQP_URL [PORT]`."""

import logging
import sys
from pathlib import Path

from tests.site.hosted.addresses import PORT
from tests.site.hosted.service.server import serve


def main(folder, amqp_url, port=PORT):
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # it tells with a traceback that the broker is away
    serve(Path(folder), amqp_url, int(port))


if __name__ == "__main__":
    main(*sys.argv[1:])
