"""An SFTP server for one folder, on loopback, for one test."""

import contextlib
import socket
import threading
from pathlib import Path

import paramiko

NAME, PASSWORD = "reader", "secret"


class Login(paramiko.ServerInterface):
    def check_auth_password(self, username, password):
        right = (username, password) == (NAME, PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED


class Folder(paramiko.SFTPServerInterface):
    def stat(self, path):
        try:
            return paramiko.SFTPAttributes.from_stat(Path(path).stat())
        except OSError as reason:
            return paramiko.SFTPServer.convert_errno(reason.errno)

    lstat = stat

    def open(self, path, flags, attr):
        try:
            file = Path(path).open("rb")  # noqa: SIM115  paramiko closes it
        except OSError as reason:
            return paramiko.SFTPServer.convert_errno(reason.errno)
        handle = paramiko.SFTPHandle(flags)
        handle.readfile = file
        return handle


@contextlib.contextmanager
def served():
    """The address of a server of this machine's files: host and port."""
    key, transports = paramiko.RSAKey.generate(2048), []
    listening = socket.create_server(("127.0.0.1", 0))

    def accept():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                transport = paramiko.Transport(connection)
                transports.append(transport)
                transport.add_server_key(key)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Folder)
                transport.start_server(server=Login())

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for transport in transports:
            transport.close()
        thread.join(5)
