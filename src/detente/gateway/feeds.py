"""Own sensors' feeds on a socket, and what they said of ticks to come."""

import asyncio
import select
from collections.abc import Callable

from detente.gateway import feed
from detente.gateway.logic.link import Gateway
from detente.gateway.prepare import Ready
from detente.records.stages import Detections

BATCHES_MAX = 5000  # held for ticks to come; then a feed waits. source: assumption, 100-50,000
WAIT_S = 0.05


class Feeds:
    """What own sensors say, held until its tick is run: kept or not, no tick is run twice."""

    def __init__(
        self, gateway: Gateway, last: int, counts: dict[str, float], log: Callable[..., None], wake: Callable[[], None]
    ) -> None:  # fmt: skip
        """``last`` is the last tick that was run and kept; ``wake`` has the next one run, once its detections came."""
        self.suite, self.side, self.tick_s = gateway.centre.suite, gateway.centre.side, gateway.tick_s
        self.last, self.wanted = last, last + 1
        self.counts, self.log, self.wake = counts, log, wake
        self.batches: dict[int, Detections] = {}
        self.writers: set[asyncio.StreamWriter] = set()
        self.ears = select.poll()
        self.ear_of: dict[int, asyncio.StreamWriter] = {}  # by descriptor, which may be another's by and by

    @property
    def unread(self) -> bool:
        """Whether bytes came that nobody has read."""
        return bool(self.ears.poll(0))

    def take(self, index: int) -> Detections | None:
        """What was said of a tick, None where nothing was; it is run now."""
        self.last, found = index, self.batches.get(index)
        for old in [tick for tick in self.batches if tick <= index]:
            del self.batches[old]
        return found

    def acknowledge(self, kept: int) -> None:
        """All up to this tick is kept, and need not be sent again."""
        self.wanted = kept + 1
        for writer in self.writers:
            writer.write(feed.ACK.pack(feed.ACK_MARK, self.wanted))

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Own sensors' net, or whoever plays it."""
        self.writers.add(writer)
        ear = writer.get_extra_info("socket").fileno()
        self.ears.register(ear, select.POLLIN)
        self.ear_of[ear] = writer
        writer.write(feed.ACK.pack(feed.ACK_MARK, self.wanted))
        try:
            while True:
                (size,) = feed.LENGTH.unpack(await reader.readexactly(feed.LENGTH.size))
                if size > feed.BATCH_BYTES_MAX:
                    break
                data = await reader.readexactly(size)
                try:
                    index, detections = feed.read_batch(data, self.suite, self.side, self.tick_s)
                except feed.FeedError as error:
                    self.counts["feed_faults_total"] += 1
                    self.log("feed", text=str(error))
                    continue
                while len(self.batches) >= BATCHES_MAX and index > max(self.batches):
                    await asyncio.sleep(WAIT_S)  # it is far ahead
                self.hold(index, detections)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass
        finally:
            self.writers.discard(writer)
            writer.close()
            if self.ear_of.get(ear) is writer:
                del self.ear_of[ear]
                self.ears.unregister(ear)

    def hold(self, index: int, detections: Detections) -> None:
        """Keep a tick's detections until it is run: the first that come, and of more than fit the nearest."""
        held = self.batches.get(index)
        if index <= self.last:
            self.counts["late_batches_total"] += 1
        elif held is None:
            if len(self.batches) >= BATCHES_MAX:
                self.counts["feed_dropped_total"] += 1
                del self.batches[max(self.batches)]
            self.batches[index] = detections
            if index == self.last + 1:
                self.wake()
        elif feed.write_batch(index, held) != feed.write_batch(index, detections):
            if not self.counts["feed_conflicts_total"]:
                self.log("feed", text=f"tick {index} is told twice, and differently: are there two feeds?")
            self.counts["feed_conflicts_total"] += 1


def configured_recording(ready: Ready, log: Callable[..., None]) -> list[Detections]:
    """The ticks of a recorded file, where that is the feed; what is silent in it is told."""
    file, centre = ready.config.file, ready.gateway.centre
    if file.feed.file is None:
        return []
    recording = feed.recorded_ticks(
        ready.config.path(file.feed.file), centre.suite, centre.side, ready.gateway.tick_s,
        gap_s=file.feed.gap_s, replicate=file.feed.replicate, end_s=file.until_s,
    )  # fmt: skip
    for first_s, last_s in recording.gaps:
        text = f"no detection for {last_s - first_s:.1f} s, from {first_s:.1f} s to {last_s:.1f} s"
        log("feed", gap_from_s=round(first_s, 3), gap_to_s=round(last_s, 3), text=text)
    return recording.ticks
