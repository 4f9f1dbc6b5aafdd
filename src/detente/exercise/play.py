"""Playing a world to live centres: each side's feed gets its own sensors' detections, tick by tick, in scaled time.

The player knows the whole world and each centre only what its sensors report. A feed that breaks is called again and
takes up at the tick that the centre asks for, so that a centre that was down misses nothing.
"""

import asyncio
import os
import time
from collections.abc import Callable, Mapping

from detente.exercise.briefing import Played, TickFeed
from detente.gateway import feed as feeds
from detente.gateway.prepare import Clock

RECONNECT_S = 0.2
MISSED_S = 10.0  # between two words about a centre that does not answer. source: assumption, 5-60
Progress = Callable[[str, int], None]
Missing = Callable[[str, str, str], None]  # side, its address, why it is not reached


async def play(
    played: Played, addresses: Mapping[str, str], clock: Clock, *, ticks: int, progress: Progress | None = None,
    missing: Missing | None = None,
) -> None:  # fmt: skip
    """Send ``ticks`` ticks of a world to each side's address; returns when every centre has kept all of them.

    ``missing`` is told of a centre that does not answer: at once, and every MISSED_S while that lasts.
    """
    names = played.theatre.names
    await asyncio.gather(
        *(
            _feed(
                played.heard(names.index(side)), address, clock, played.theatre.tick_s, ticks, side, progress, missing
            )
            for side, address in addresses.items()
        )
    )


async def _feed(
    heard: TickFeed, address: str, clock: Clock, tick_s: float, ticks: int, side: str, progress: Progress | None,
    missing: Missing | None,
) -> None:  # fmt: skip
    """One side's feed, until its centre wants nothing more."""
    host, _, port = address.rpartition(":")
    wanted, told_s = 0, float("-inf")
    while wanted < ticks:
        try:
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        except OSError as error:
            if missing is not None and time.monotonic() - told_s >= MISSED_S:
                told_s = time.monotonic()
                missing(side, address, _why(error))
            await asyncio.sleep(RECONNECT_S)
            continue
        heard_from = _Asked()
        listening = asyncio.create_task(heard_from.listen(reader))
        try:
            wanted = await _send(heard, writer, clock, tick_s, ticks, heard_from, lambda k: _tell(progress, side, k))
        except OSError:
            pass
        finally:
            listening.cancel()
            writer.close()
        wanted = max(wanted, heard_from.wanted)
        await asyncio.sleep(RECONNECT_S if wanted < ticks else 0.0)


def _why(error: OSError) -> str:
    """What the system calls it: asyncio's own words repeat the address."""
    number = error.errno or 0
    return os.strerror(number) if number > 0 else str(error)


def _tell(progress: Progress | None, side: str, tick: int) -> None:
    if progress is not None:
        progress(side, tick)


class _Asked:
    """What the centre at the other end wants next."""

    def __init__(self) -> None:
        self.wanted, self.gone, self.news = -1, False, asyncio.Event()

    async def listen(self, reader: asyncio.StreamReader) -> None:
        """Until the line breaks."""
        try:
            while True:
                mark, wanted = feeds.ACK.unpack(await reader.readexactly(feeds.ACK.size))
                if mark != feeds.ACK_MARK:
                    break
                self.wanted = max(self.wanted, wanted)
                self.news.set()
        except (asyncio.IncompleteReadError, OSError):
            pass
        self.gone = True
        self.news.set()


async def _send(
    heard: TickFeed, writer: asyncio.StreamWriter, clock: Clock, tick_s: float, ticks: int, asked: _Asked,
    tell: Callable[[int], None],
) -> int:  # fmt: skip
    """Every tick from the one that is wanted, each when it is over; the tick wanted at the end."""
    await asked.news.wait()
    index = max(0, asked.wanted)
    while index < ticks and not asked.gone:
        wait_s = ((index + 1) * tick_s - clock.exercise_s) / clock.rate
        if wait_s > 0.0:
            await asyncio.sleep(min(wait_s, 1.0))
            continue
        batch = feeds.write_batch(index, heard.tick(index))
        writer.write(feeds.LENGTH.pack(len(batch)) + batch)
        await writer.drain()
        tell(index)
        index += 1
    while asked.wanted < ticks and not asked.gone:
        asked.news.clear()
        await asked.news.wait()
    return asked.wanted
