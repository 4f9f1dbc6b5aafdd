"""One side's process without its sockets and its clock, for tests of the order in which it works."""

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any

from detente.gateway.faults import Faults
from detente.gateway.feeds import Feeds
from detente.gateway.keeping import Keeping
from detente.gateway.logic.records import StoreError
from detente.gateway.serve import Server


def serving(pair: Any, name: str, heard: list[str], *, full: bool = False) -> Any:
    """One side's process without its sockets; ``heard`` is what it did, in order."""

    def commit(_: object) -> None:
        if full:
            raise StoreError("no room on the disk")
        heard.append("kept")

    server = object.__new__(Server)
    server.gateway = pair.gateways[name]
    server.counts = Counter()  # type: ignore[assignment]
    server.clock = SimpleNamespace(now=pair.now, exercise_s=pair.now.wall_s)  # type: ignore[assignment]
    store: Any = SimpleNamespace(commit=commit, crowded=False)
    server.store = store
    server.keeping = Keeping(store, pair.nodes[name], kept=server._kept, lost=server._lost)
    said = SimpleNamespace(send=lambda lane, data: heard.append("said"))
    lines: Any = dict.fromkeys(server.gateway.partners, said)
    server.lines = lines
    server.show = lambda line: heard.append(line.get("stream", line["event"]))
    server.feeds = Feeds(server.gateway, server.node.tick, server.counts, server._log, server._wake)
    server.batch, server.batches, server.kept_tick = None, server.feeds.batches, server.node.tick
    server.taken, server.faults = [], Faults(server.counts, server._log)
    server.ready = SimpleNamespace(config=None)  # type: ignore[assignment]
    server.standing, server.asked, server.news = "in-force", {}, {}
    server.hush, server.reading, server.ordering = False, False, asyncio.Lock()
    return server
