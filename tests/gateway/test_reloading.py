"""A reload reads all of the store: partners wait until it has, own sensors are listened to all the while."""

import asyncio
import gc
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.made_gateway import FIRST_TICK, SIDES, feed
from tests.gateway.made_live import both, laid, ready, ticked

from detente.gateway import serve
from detente.gateway.health import ORDER_FAULT
from detente.gateway.logic.limits import Lane
from detente.gateway.logic.node import Frame, Node, restore
from detente.gateway.logic.packing import pack
from detente.gateway.logic.records import Saved, StoreError
from detente.gateway.serve import Server
from detente.gateway.sqlite_store import SqliteStore
from detente.records.errors import InputError

NATO, RUSSIA = SIDES
TICKS = 12


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with stores of an exchange that has gone on for some ticks."""
    laid(tmp_path)
    with both(tmp_path) as pair:
        ticked(pair, lambda pair: pair.nodes[RUSSIA].tick >= FIRST_TICK + 6)
    yield tmp_path
    gc.unfreeze()  # a process that starts freezes what there is


class Gate:
    """A store of which ``load`` ends when it is let, in whatever way it is told to."""

    def __init__(self, server: Server, error: Exception | None = None) -> None:
        self.open, self.asked, self.error = threading.Event(), threading.Event(), error
        self.load = server.store.load
        server.store.load = self.pass_through  # type: ignore[method-assign]

    def pass_through(self) -> Saved:
        self.asked.set()
        assert self.open.wait(20.0), "somebody lets it"
        if self.error is not None:
            raise self.error
        return self.load()


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(20.0):
        while not what():
            await asyncio.sleep(0.005)


def living(folder: Path, story: Callable[[Server], Awaitable[None]]) -> tuple[Server, list[dict[str, Any]]]:
    """Russia's process while something happens, and its log."""
    told: list[dict[str, Any]] = []
    server = Server(ready(folder, RUSSIA), told.append)

    async def live() -> None:
        running = asyncio.create_task(server.run())
        await until(lambda: server.started)
        try:
            await story(server)
        finally:
            server.stop()
            await running

    asyncio.run(live())
    return server, told


async def hear(server: Server, ticks: int) -> None:
    """Own sensors say what they have of the next ticks, one after the other."""
    for index in range(server.node.tick + 1, server.node.tick + 1 + ticks):
        server.feeds.hold(index, feed(SIDES.index(RUSSIA)).tick(index))
        await until(lambda index=index: server.node.tick == index)


def own_warnings(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in line.items() if name != "exercise_s"} for line in told
        if line.get("stream") == "own"
    ]  # fmt: skip


def kept(folder: Path) -> Node:
    """What a new process finds."""
    found = ready(folder, RUSSIA)
    with closing(SqliteStore(folder / "Russia.store", RUSSIA, epoch=9, exercise=found.exercise)) as store:
        return restore(found.gateway, store.load(), found.clock.now)[0]


def plain(folder: Path, ticks: int) -> tuple[Node, list[dict[str, Any]]]:
    """What comes of the same ticks without a reload."""
    store = {path: path.read_bytes() for path in folder.glob("Russia.store*")}

    async def story(server: Server) -> None:
        await hear(server, ticks)

    server, told = living(folder, story)
    for path, data in store.items():
        path.write_bytes(data)
    return server.node, own_warnings(told)


@pytest.mark.parametrize("renewed", [False, True])
def test_p11_own_warnings_go_on_while_a_reload_reads_the_store(folder: Path, renewed: bool) -> None:
    """They are the same as without it; and so, to the byte, is what own sensors know then, also after a restart."""
    whole, warned = plain(folder, TICKS + 1)
    assert warned
    if renewed:
        document = json.loads((folder / "Russia.yaml").read_text())
        del document["agreement"], document["signatures"]

    async def story(server: Server) -> None:
        gate = Gate(server)
        if renewed:
            (folder / "Russia.yaml").write_text(json.dumps(document))
        reload = asyncio.create_task(server._order("reload", "-"))
        await until(gate.asked.is_set)
        before = server.kept_tick
        await hear(server, TICKS)
        assert not reload.done()
        assert server.kept_tick == before, "nothing of it is on disk yet, or acknowledged"
        gate.open.set()
        assert await reload == ""
        await hear(server, 1)
        await until(lambda: server.kept_tick == before + TICKS + 1)

    server, told = living(folder, story)
    assert own_warnings(told) == warned
    assert [line["event"] for line in told].count("reloaded") == 1
    assert server.counts["feed_gaps_total"] == server.counts["faults_total"] == 0
    assert sorted(server.node.links) == ([] if renewed else [NATO])
    for node in (server.node, kept(folder)):
        assert node.tick == whole.tick
        assert pack(node.centre.own) == pack(whole.centre.own)


def test_partners_frames_and_the_operators_words_wait_for_a_reload(folder: Path) -> None:
    """A frame is read and a word obeyed after it, on the state that it has made: else what they did were undone."""

    async def story(server: Server) -> None:
        gate, refused = Gate(server), server.node.links[NATO].counts.get("refused", 0)
        reload = asyncio.create_task(server._order("reload", "-"))
        await until(gate.asked.is_set)
        await server.events.put(Frame(partner=NATO, lane=Lane.NOTE, data=b"no note"))
        orders = [asyncio.create_task(server._order(word, one)) for word, one in (("pause", NATO), ("pause", "Nobody"))]
        again = asyncio.create_task(server._order("reload", "-"))
        await asyncio.sleep(3 * serve.TIMER_S)
        assert not any(task.done() for task in (reload, again, *orders))
        assert not server.node.links[NATO].paused_here
        assert server.node.links[NATO].counts.get("refused", 0) == refused
        gate.open.set()
        assert await reload == ""
        assert [await order for order in orders] == ["done", "Nobody is no partner"]
        assert await again == ""
        await until(lambda: server.node.links[NATO].counts.get("refused", 0) == refused + 1)
        assert server.node.links[NATO].paused_here

    living(folder, story)
    assert kept(folder).links[NATO].paused_here


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (InputError(found="a store that is damaged", expected="one", remedy="mend it"), "a store that is damaged"),
        (StoreError("no room on the disk"), "no room on the disk"),
        (OverflowError("a number that nobody thought of"), ORDER_FAULT),
    ],
)
def test_a_reload_that_fails_undoes_no_tick_and_all_goes_on(folder: Path, error: Exception, said: str) -> None:
    whole, warned = plain(folder, TICKS + 1)

    async def story(server: Server) -> None:
        gate, gateway = Gate(server, error), server.gateway
        reload = asyncio.create_task(server._order("reload", "-"))
        await until(gate.asked.is_set)
        await hear(server, TICKS)
        gate.open.set()
        assert said in await reload
        assert server.gateway is gateway
        await hear(server, 1)
        assert await server._order("pause", NATO) == "done"

    server, told = living(folder, story)
    assert own_warnings(told) == warned
    assert server.counts["faults_total"] == isinstance(error, OverflowError)
    assert server.counts["store_failures_total"] == isinstance(error, StoreError)
    node = kept(folder)
    assert node.tick == whole.tick
    assert pack(node.centre.own) == pack(whole.centre.own)
    assert node.links[NATO].paused_here


def test_a_process_that_is_stopped_ends_its_reload_first(folder: Path) -> None:
    async def story(server: Server) -> None:
        gate = Gate(server)
        reload = asyncio.create_task(server._order("reload", "-"))
        await until(gate.asked.is_set)
        server.stop()
        await asyncio.sleep(2 * serve.TIMER_S)  # longer than the loop waits for anything
        gate.open.set()
        assert await reload == ""

    _, told = living(folder, story)
    assert [line["event"] for line in told if line["event"] in ("reloaded", "stopped")] == ["reloaded", "stopped"]


def test_a_reload_waits_for_the_disk_and_own_ticks_do_not(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit on its way may take seconds: it is waited for, but not by the loop."""
    finish, quick = SqliteStore.finish, threading.Event()

    def finishing(store: SqliteStore) -> None:
        assert quick.wait(20.0), "somebody lets it"
        finish(store)

    monkeypatch.setattr(SqliteStore, "finish", finishing)
    quick.set()

    async def story(server: Server) -> None:
        await until(lambda: not server.keeping.group)
        quick.clear()
        first = server.node.tick + 1
        await hear(server, 1)
        reload = asyncio.create_task(server._order("reload", "-"))
        await until(lambda: server.hush)
        await hear(server, 3)
        assert (server.node.tick, server.kept_tick) == (first + 3, first - 1)
        assert not reload.done()
        quick.set()
        assert await reload == ""
        assert server.kept_tick == server.node.tick == first + 3, "all were kept first"

    living(folder, story)
