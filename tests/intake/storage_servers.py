"""Real storages on loopback: an S3 server and an SFTP server, each behind a door that can drop a connection."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncssh

LOGIN, PASSWORD = "centre", "a-password-for-tests-only"


class Door:
    """Passes bytes to a server; ``drop_after`` makes the next answers end after so many bytes, ``n_drops`` times."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.drop_after, self.n_drops, self.n_dropped = 0, 0, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                client.close()
                continue
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._pass, args=(client, server), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, is_answer: bool = False) -> None:
        passed = 0
        with suppress(OSError):
            while piece := source.recv(1 << 14):
                passed += len(piece)
                if is_answer and self.n_drops and passed > self.drop_after:
                    self.n_drops, self.n_dropped = self.n_drops - 1, self.n_dropped + 1
                    break
                target.sendall(piece)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def close(self) -> None:
        """Let nobody in any more."""
        self._listener.close()


@contextmanager
def s3_server() -> Iterator[tuple[int, Any]]:
    """Port of an empty S3 server, and a client of it."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=LOGIN,
        aws_secret_access_key=PASSWORD,
        region_name="us-east-1",
    )
    try:
        yield port, client
    finally:
        server.stop()


class _Server(asyncssh.SSHServer):
    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (LOGIN, PASSWORD)


@contextmanager
def sftp_server(folder: Path) -> Iterator[tuple[int, str]]:
    """Port of an SFTP server that shows a folder as its root, and the line of its key for ``known_hosts``."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    key = asyncssh.generate_private_key("ssh-ed25519")

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    def shown(channel: Any) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=os.fsencode(folder))

    async def start() -> Any:
        return await asyncssh.create_server(_Server, "127.0.0.1", 0, server_host_keys=[key], sftp_factory=shown)

    async def stop() -> None:
        listening.close()
        await listening.wait_closed()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    listening = run(start())
    try:
        yield listening.get_port(), key.export_public_key().decode().strip()
    finally:
        run(stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
