"""The order in which the process around a gateway works: keep, then speak; warn first, whatever the disk does."""

import asyncio
import select
import socket
from collections import Counter
from dataclasses import replace
from functools import partial
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from tests.gateway.made_gateway import FIRST_TICK, SIDES, Pair, feed
from tests.gateway.made_serving import serving

from detente.gateway import faults, serve
from detente.gateway.feed import ACK_MARK, LENGTH, write_batch
from detente.gateway.health import Done
from detente.gateway.keeping import STEPS_MAX, Step
from detente.gateway.logic.limits import Lane
from detente.gateway.logic.link import Out
from detente.gateway.logic.node import Dropped, Frame, LineUp, Timer
from detente.gateway.logic.records import StoreError
from detente.gateway.serve import BATCH_EVENTS_MAX
from detente.gateway.standing import Standing
from detente.gateway.transport import HEAD, Line
from detente.records.errors import InputError
from detente.records.stages import Detections

NATO, RUSSIA = SIDES


@pytest.fixture
def talking() -> tuple[Pair, int]:
    """A pair at a tick at which one side has something to tell, on the line to the other."""
    pair = Pair()
    pair.connect()
    for index in range(FIRST_TICK, FIRST_TICK + 20):
        pair.pass_time(5.0)
        pair.tick(index)
        if any(lane != Lane.NOTE and to == NATO for _, to, lane, _ in pair.frames):
            return pair, index
        pair.carry()
    raise AssertionError("it never has anything to tell")


def letters(pair: Pair) -> list[Frame]:
    return [
        Frame(partner=sender, lane=lane, data=data) for sender, to, lane, data in pair.frames if to == NATO
    ]  # fmt: skip


def test_p6_what_came_is_kept_before_it_is_receipted(talking: tuple[Pair, int]) -> None:
    pair, heard = talking[0], []
    server = serving(pair, NATO, heard)
    server._run([*letters(pair), Timer()])
    assert heard[0] == "kept"
    assert "said" in heard
    assert heard.count("kept") == 1
    assert server.node is not pair.nodes[NATO]


def letters_of(number: int) -> list[Frame]:
    return [Frame(partner=RUSSIA, lane=Lane.NOTE, data=one.to_bytes(2, "big")) for one in range(number)]


def crowded(heard: list[str]) -> Any:
    """A side with more of a partner's frames waiting than it reads in a second; ``heard`` tells what it does."""
    pair = Pair()
    pair.connect()
    pair.tick(FIRST_TICK)
    server = serving(pair, NATO, heard)
    server.clock.exercise_s = (FIRST_TICK + 1) * server.gateway.tick_s
    server.clock.rate, server.began_s, server.stopping, server.dropped = 1.0, 0.0, False, Counter()
    feed_of = SimpleNamespace(file=None, grace_s=60.0)
    server.ready = SimpleNamespace(config=SimpleNamespace(file=SimpleNamespace(feed=feed_of)))
    server.events = asyncio.Queue()
    for one in letters_of(1000):
        server.events.put_nowait(one)
    taking, warning = server._take, server._warn

    def take(event: Any) -> None:
        heard.append(type(event).__name__)
        taking(event)

    def warn(stream: str, warnings: Any) -> None:
        heard.append(f"{stream} half")
        warning(stream, warnings)

    server._take, server._warn = take, warn
    return server


def test_p4_a_batch_is_bounded_and_in_order() -> None:
    """Whatever waits: a commit's worth is taken, in order, and the rest stays where it is."""
    heard: list[str] = []
    server = crowded(heard)
    told: list[bytes] = []
    taking = server._take
    server._take = lambda event: (told.append(event.data), taking(event))
    asyncio.run(server._read([server.events.get_nowait()]))
    assert 1 <= len(told) <= BATCH_EVENTS_MAX
    assert told == [one.data for one in letters_of(len(told))]
    assert server.events.qsize() == 1000 - len(told)
    assert heard.count("kept") == 1, "they are one commit's"


def test_p11_a_tick_that_is_due_waits_for_one_of_a_partners_frames() -> None:
    """However many wait, and though a batch of them is being made: the own half comes next, and only then their end."""
    heard: list[str] = []
    server = crowded(heard)
    index = server.node.tick + 1

    def comes() -> None:
        heard.append("detections")
        server.batches[index] = feed(SIDES.index(NATO)).tick(index)

    async def story() -> None:
        running = asyncio.create_task(server._loop(None))
        while heard.count("Frame") < 5:
            await asyncio.sleep(0)
        comes()
        while "assisted half" not in heard:
            await asyncio.sleep(0)
        server.stop()
        await running

    asyncio.run(story())
    after = heard[heard.index("detections") + 1 :]
    assert after[: after.index("own half")].count("Frame") <= 1
    assert after[: after.index("own half")].count("kept") == 0, "what was begun is ended after the warning"
    assert after.index("own half") < after.index("kept") < after.index("assisted half")
    assert server.node.tick == index
    read = heard.count("Frame")
    assert server.node.links[RUSSIA].counts["refused"] == read, "and nothing that was taken is lost"
    assert server.events.qsize() == 1000 - read


def test_p11_no_frame_of_a_partners_is_read_while_own_sensors_bytes_wait() -> None:
    """From socket to tick bytes take some turns of the loop; a partner's frames do not take them too."""
    heard: list[str] = []
    server = crowded(heard)
    index = server.node.tick + 1

    async def story() -> None:
        listening = await asyncio.start_server(server.feeds.client, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname()[:2])
        running = asyncio.create_task(server._loop(None))
        while heard.count("Frame") < 5 or not server.feeds.writers:
            await asyncio.sleep(0)
        batch = write_batch(index, feed(SIDES.index(NATO)).tick(index))
        writer.write(LENGTH.pack(len(batch)) + batch)  # it goes into the socket at once
        heard.append("spoken")
        while "own half" not in heard:
            await asyncio.sleep(0)
        server.stop()
        await running
        assert (await reader.readexactly(len(ACK_MARK))) == ACK_MARK
        writer.close()
        await writer.wait_closed()
        listening.close()
        while server.feeds.writers:
            await asyncio.sleep(0.001)
        assert server.feeds.ears.poll(0) == [], "a feed that went is listened to no more"

    asyncio.run(story())
    after = heard[heard.index("spoken") + 1 :]
    assert after[: after.index("own half")].count("Frame") <= 1


def test_p7_a_batch_begun_on_what_could_not_be_kept_goes_with_it_but_lines_stay() -> None:
    pair, heard = Pair(), []
    server = serving(pair, NATO, heard)
    server._take(LineUp(partner=RUSSIA))
    server._take(letters_of(1)[0])
    assert server.batch.links[RUSSIA].counts["refused"] == 1
    server._lost(StoreError("no room on the disk"), [])
    assert server.batch is None
    assert server.node.links[RUSSIA].up, "the line is there"
    assert "refused" not in server.node.links[RUSSIA].counts, "the frame will come again"


def test_p7_what_cannot_be_kept_is_not_receipted_and_changes_nothing(talking: tuple[Pair, int]) -> None:
    pair, heard = talking[0], []
    server = serving(pair, NATO, heard, full=True)
    server._run([*letters(pair), Timer()])
    assert heard == ["store"], "it says so, once, and to nobody else"
    assert server.node is pair.nodes[NATO]
    assert server.counts["store_failures_total"] == 1


@pytest.mark.parametrize("full", [False, True])
def test_p7_the_operator_is_answered_when_a_word_is_kept_or_that_it_cannot_be(full: bool) -> None:
    pair, heard = Pair(), []
    server = serving(pair, NATO, heard, full=full)
    answer = asyncio.run(server._order("pause", RUSSIA))
    assert server.node.links[RUSSIA].paused_here is not full
    assert answer == ("it could not be kept, and does not count: no room on the disk" if full else "done")
    assert isinstance(answer, Done) is not full
    if not full:
        assert "is so already" in asyncio.run(server._order("pause", RUSSIA))
    assert not server.asked


def ticked(server: Any, index: int) -> None:
    for tick in range(server.node.tick + 1, index + 1):
        server.batches[tick] = feed(SIDES.index(server.gateway.name)).tick(tick)
        server.clock.exercise_s = (tick + 1) * server.gateway.tick_s
        server._tick()


def test_p7_own_warnings_are_shown_before_anything_is_kept_and_with_a_full_disk_all_the_same() -> None:
    stories = []
    for full in (False, True):
        pair, heard = Pair(), []
        pair.connect()
        pair.tick(FIRST_TICK)
        server = serving(pair, RUSSIA, heard, full=full)
        ticked(server, FIRST_TICK + 20)
        stories.append(heard)
    whole, failing = stories
    warned = whole.count("own")
    assert warned > 0
    assert failing.count("own") == warned
    assert failing.count("store") == 1
    assert {"kept", "said", "assisted"}.isdisjoint(failing)
    assert whole.count("kept") == 20
    for before, what in pairwise(whole):
        assert before != "own" or what in ("own", "kept"), "of a tick, the own warnings come first"


@pytest.mark.parametrize("where", ["step", "take", "end"])
def test_p4_own_warnings_outlive_a_fault_in_the_partners_half(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """Whatever goes wrong in what is made of a partner: told, counted, and own warnings are the same as without."""

    def faulty(*_: object) -> Any:
        raise OverflowError("a number that nobody thought of")

    stories = []
    for fails in (False, True):
        pair, heard = Pair(), []
        pair.connect()
        pair.tick(FIRST_TICK)
        server = serving(pair, RUSSIA, heard)
        if fails and where == "step":
            monkeypatch.setattr(faults, "step", faulty)
        for module in (serve, faults) if fails and where != "step" else ():
            monkeypatch.setattr(module.Batch, where, faulty)
        server._run([Timer()])
        ticked(server, FIRST_TICK + 20)
        stories.append(heard)
        assert server.node.tick == FIRST_TICK + 20
        assert server.counts["faults_total"] == (0 if not fails else 7 if where == "step" else 1)
    whole, failing = stories
    assert failing.count("own") == whole.count("own") > 0
    assert failing.count("fault") == 1, "of 20 ticks 7 were tried, and the first was told"
    assert (failing.count("said") == 0) == (where == "step"), "what could not be made is not said"


def test_p4_a_flood_ends_at_the_door_and_is_counted() -> None:
    """What exceeds a partner's rates never waits for the loop; what does wait is not held to them once more."""
    pair, heard = Pair(), []
    pair.connect()
    server = serving(pair, NATO, heard)
    server.events, server.dropped = asyncio.Queue(4000), Counter()
    burst = int(server.gateway.limits.frames_each[Lane.TRACK].burst)
    noise = [b"DTNENV01" + bytes([n % 256, n // 256]) * 300 for n in range(2 * burst)]

    async def flood() -> None:
        take = server._on_frame(RUSSIA)
        for data in noise:
            await take(int(Lane.TRACK), data)
        await take(7, b"a lane that is none")

    asyncio.run(flood())
    waiting = [server.events.get_nowait() for _ in range(server.events.qsize())]
    assert burst <= len(waiting) < burst + burst // 2, "the burst, and what the rate allows meanwhile"
    assert all(event.admitted for event in waiting)
    assert server.dropped[RUSSIA] == len(noise) + 1 - len(waiting)
    server._run([*waiting, Dropped(partner=RUSSIA, frames=server.dropped[RUSSIA])])
    counts = server.node.links[RUSSIA].counts
    assert counts["dropped"] == len(noise) + 1 - len(waiting)
    assert counts["refused"] == len(waiting)


def test_a_line_that_ends_for_good_is_told() -> None:
    heard: list[str] = []
    server = serving(Pair(), NATO, heard)
    told: list[dict[str, Any]] = []
    server.show = told.append

    async def story() -> None:
        async def refused() -> None:
            raise InputError(found="a server that will not", expected="one that will", remedy="mend it")

        for made in (refused(), asyncio.sleep(30)):
            running = asyncio.create_task(made)
            running.add_done_callback(partial(server._line_ended, RUSSIA))
            await asyncio.sleep(0)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(story())
    assert [(one["kind"], one["partner"]) for one in told] == [("line-ended", RUSSIA)]
    assert "a server that will not" in told[0]["text"]


def test_p7_a_tick_whose_time_has_come_waits_for_no_disk_and_old_ones_do() -> None:
    pair = Pair()
    server = serving(pair, NATO, [])
    feed_of = SimpleNamespace(file=None, grace_s=2.0)
    server.ready = SimpleNamespace(config=SimpleNamespace(file=SimpleNamespace(feed=feed_of)))
    server.began_s, tick_s = 0.0, server.gateway.tick_s
    server.node = replace(server.node, tick=10)
    due_s = 12 * tick_s + feed_of.grace_s
    for late_s, on_time, behind in ((-0.1, False, False), (0.0, True, True), (1.1 * tick_s, True, False)):
        server.clock = SimpleNamespace(exercise_s=due_s + late_s, rate=1.0)
        assert server._due(False) is on_time
        assert server._due(True) is behind


def test_p11_no_more_of_a_line_is_looked_at_while_own_sensors_bytes_wait_or_a_tick_is_due() -> None:
    heard: list[str] = []
    server = crowded([])
    ours, theirs = socket.socketpair()
    server.feeds.ears.register(ours, select.POLLIN)

    async def own_turns() -> int:
        """Turns of the loop that pass while the line waits, until ours are read at the third."""
        turns, waiting = 0, asyncio.create_task(server._own_first())
        await asyncio.sleep(0)
        while not waiting.done():
            turns += 1
            if turns == 3:
                ours.recv(100)
            await asyncio.sleep(0)
        return turns

    async def read() -> None:
        async def before() -> None:
            heard.append("before")

        async def on_frame(lane: int, data: bytes) -> None:
            heard.append("frame")

        def on_line(up: bool) -> None:
            heard.append("line")

        line, reader = Line(RUSSIA, on_frame, Standing(on_line), before), asyncio.StreamReader()
        reader.feed_data(HEAD.pack(1, 0) + b"x")
        reader.feed_eof()
        named: Any = {"subject": ((("commonName", RUSSIA),),)}
        writer: Any = SimpleNamespace(get_extra_info=lambda _: named, transport=SimpleNamespace(abort=lambda: None))
        await line.serve(reader, writer, called=True)

    assert asyncio.run(own_turns()) == 0
    theirs.send(b"x")
    assert asyncio.run(own_turns()) == 3
    asyncio.run(read())
    assert heard == ["line", "before", "frame", "line"]
    ours.close()
    theirs.close()


def test_news_of_a_line_waits_behind_nobodys_frames_and_the_latest_counts() -> None:
    """With the queue full of frames: a line that went and came again is told as one that came, in the next batch."""
    heard: list[str] = []
    server = crowded(heard)
    server.clock.exercise_s -= server.gateway.tick_s
    queue: asyncio.Queue = asyncio.Queue(server.events.qsize())
    while not server.events.empty():
        queue.put_nowait(server.events.get_nowait())
    server.events = queue
    assert server.node.links[RUSSIA].up

    async def story(*ups: bool) -> None:
        told = server._on_line(RUSSIA)
        for up in ups:
            told(up)
        running = asyncio.create_task(server._loop(None))
        while "Frame" not in heard:
            await asyncio.sleep(0)
        server.stop()
        await running

    asyncio.run(story(False, True, False))
    assert [one for one in heard if one.startswith("Line")] == ["LineDown"]
    assert heard.index("LineDown") < heard.index("Frame")
    assert not server.node.links[RUSSIA].up
    assert server.news == {}
    heard.clear()
    server.stopping = False
    asyncio.run(story(True, False, True))
    assert [one for one in heard if one.startswith("Line")] == ["LineUp"]
    assert server.node.links[RUSSIA].up


def test_p4_a_disk_that_is_far_behind_makes_deaf_to_partners_and_not_to_own_sensors() -> None:
    heard: list[str] = []
    server = crowded(heard)
    index, behind = server.node.tick + 1, Step(node=server.node, out=Out())
    server.keeping.group = [behind]  # a commit that does not end
    server.keeping.waiting.extend([behind] * STEPS_MAX)
    server.batches[index] = feed(SIDES.index(NATO)).tick(index)

    async def story() -> None:
        running = asyncio.create_task(server._loop(None))
        while "own half" not in heard:
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        assert "Frame" not in heard
        server.keeping.group = []
        server.keeping.waiting.clear()
        while "Frame" not in heard:
            await asyncio.sleep(0)
        server.stop()
        await running

    asyncio.run(asyncio.wait_for(story(), 30.0))
    assert server.node.tick == index


@pytest.mark.parametrize(("said", "next_one"), [(None, 99), (30, 30)])
def test_ticks_without_detections_far_in_the_past_are_skipped(
    monkeypatch: pytest.MonkeyPatch, said: int | None, next_one: int
) -> None:
    """A side that was down for days warns of today: of ticks long gone only those with detections are run."""
    monkeypatch.setattr(serve, "CATCH_UP_TICKS", 50)
    server = crowded([])
    first = server.node.tick + 1
    server.clock.exercise_s = (first + 100) * server.gateway.tick_s
    if said is not None:
        server.batches[first + said] = Detections.empty()
    server._tick()
    assert server.node.tick == first + next_one
    server._tick()
    assert server.node.tick == first + (100 if next_one == 99 else 99), "and so on, up to now"
