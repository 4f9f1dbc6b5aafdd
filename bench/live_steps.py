"""What a round trip costs in our own code alone: two gateways in one process, no line, no disk, no loop.

``bench/live.py`` sets it beside what it measures, twice: one trip after the other, and a hundred a second with nothing
in between. The code is the same; what differs is how much of it a processor still has at hand after 10 ms.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from live_floor import EVERY_S, percentiles

from detente.exercise.drill.simulation import EPOCH
from detente.gateway.logic.link import Gateway, Now, Out
from detente.gateway.logic.node import Frame, LineEvent, LineUp, Node, start, steps


class Pair:
    """Two gateways, and frames carried from one to the other by hand."""

    def __init__(self, gateways: tuple[Gateway, Gateway]) -> None:
        self.gateways = gateways
        self.nodes = [start(gateway, EPOCH) for gateway in gateways]
        waiting: list[tuple[int, LineEvent]] = [(side, LineUp(partner=gateways[1 - side].name)) for side in (0, 1)]
        while waiting:
            side, event = waiting.pop(0)
            waiting += [(1 - side, one) for one in self.step(side, [event])]

    @property
    def now(self) -> Now:
        """By this machine's clocks."""
        return Now(steady_s=time.monotonic(), exercise_s=time.monotonic(), wall_s=time.time())

    def step(self, side: int, events: list[Any]) -> list[Frame]:
        """What a side sends after these, as the other side gets it."""
        self.nodes[side], out = steps(self.gateways[side], self.nodes[side], events, self.now)
        return self.frames(side, out)

    def frames(self, side: int, out: Out) -> list[Frame]:
        """What was sent, as it comes in at the other side."""
        name = self.gateways[side].name
        return [Frame(partner=name, lane=lane, data=data, admitted=True) for _, lane, data in out.frames]

    def applied(self, side: int) -> None:
        """As after a tick: nothing waits to be applied."""
        links = {
            name: replace(link, waiting=(), waiting_rows=0, waiting_bytes=0)
            for name, link in self.nodes[side].links.items()
        }
        self.nodes[side] = replace(self.nodes[side], links=links)


def steps_alone(
    gateways: tuple[Gateway, Gateway], tell: Callable[[Gateway, Node, Now], tuple[Node, Out]], trips: int
) -> dict[str, dict[str, float]]:  # fmt: skip
    """A trip's three steps: an envelope taken into the outbox, received, and receipted. Milliseconds of all three."""
    pair, found = Pair(gateways), {}
    for name, wait_s in (("back to back", 0.0), ("100 a second", EVERY_S)):
        taken: list[float] = []
        for _ in range(trips):
            time.sleep(wait_s)
            began = time.perf_counter()
            pair.nodes[0], out = tell(gateways[0], pair.nodes[0], pair.now)
            pair.step(0, pair.step(1, pair.frames(0, out)))
            taken.append(time.perf_counter() - began)
            pair.applied(1)
        assert not pair.nodes[0].links[gateways[1].name].pending, "all were receipted"
        found[name] = percentiles(taken[trips // 5 :])
    return found
