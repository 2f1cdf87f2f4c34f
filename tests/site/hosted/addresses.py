"""Where the parts listen: on loopback alone."""

ADDRESS = "127.0.0.1"
PORT = 5000  # of the service: clients that are told it is on this machine look for it there and nowhere else
