"""A small IMAP server for tests."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from dataclasses import dataclass, field

import trustme


@dataclass
class TinyImap:
    """As much of an IMAP server as the crawler speaks to, on this machine, over TLS."""

    mails: dict[int, bytes]
    authority: trustme.CA = field(default_factory=trustme.CA)
    validity: int = 7
    folder: str = "INBOX"
    silent_at: str = ""  # a command that is never answered
    drop_at: str = ""  # a command at which the connection ends
    said: list[str] = field(default_factory=list)
    port: int = 0

    def __post_init__(self):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("127.0.0.1").configure_cert(self._context)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self):
        self._over.set()
        with socket.create_connection(("127.0.0.1", self.port), timeout=5):
            pass  # wakes accept
        self._thread.join()
        self._socket.close()

    @property
    def trusted(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context

    def _serve(self):
        while True:
            raw, _ = self._socket.accept()
            raw.settimeout(10)
            if self._over.is_set():
                raw.close()
                return
            try:
                with self._context.wrap_socket(raw, server_side=True) as connection:
                    self._talk(connection)
            except OSError:  # a client that does not trust us, or went away
                raw.close()

    def _talk(self, connection):
        connection.sendall(b"* OK ready\r\n")
        lines = connection.makefile("rb")
        while line := lines.readline():
            tag, _, command = line.decode().rstrip("\r\n").partition(" ")
            self.said.append(command)
            if self.silent_at and self.silent_at in command:
                lines.readline()  # until the client goes away
                return
            if self.drop_at and self.drop_at in command:
                return
            answer, status = self._answer(command)
            connection.sendall(answer + f"{tag} {status} done\r\n".encode())
            if command == "LOGOUT":
                return

    def _answer(self, command: str) -> tuple[bytes, str]:
        if command == "CAPABILITY":
            return b"* CAPABILITY IMAP4rev1\r\n", "OK"
        if command.startswith("LOGIN"):
            right = command.endswith('"open sesame"')
            return b"", "OK" if right else f"NO [AUTHENTICATIONFAILED] not {command.split()[-1]}"
        if command.startswith("EXAMINE"):
            if command != f'EXAMINE "{self.folder}"':
                return b"", "NO no such folder"
            return f"* {len(self.mails)} EXISTS\r\n* OK [UIDVALIDITY {self.validity}] x\r\n".encode(), "OK [READ-ONLY]"
        if command.startswith("UID SEARCH"):
            low = re.search(r"UID (\d+):\*", command)
            found = [n for n in sorted(self.mails) if not low or n >= int(low[1])]
            if low and self.mails and not found:
                found = [max(self.mails)]  # "N:*" always names the last one
            return f"* SEARCH {' '.join(map(str, found))}\r\n".encode(), "OK"
        if match := re.match(r"UID FETCH (\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", command):
            body = self.mails[int(match[1])][: int(match[2])]
            if not body:
                return b"", "OK"
            head = f"* 1 FETCH (UID {match[1]} BODY[]<0> {{{len(body)}}}\r\n".encode()
            return head + body + b")\r\n", "OK"
        return b"", "OK" if command == "LOGOUT" else "BAD unknown"
