"""How a running gateway shows itself, on loopback alone: health, OpenMetrics, the picture, and the operator's word.

A few lines of HTTP/1.1, one request a connection. ``GET /health``, ``/metrics``, ``/picture`` are open to whoever is on
the machine; ``POST /order/WORD/PARTNER`` needs the operator's token (``Authorization: Bearer …``).
"""

import asyncio
import hmac
import json
import math
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from detente.centre.picture.identity import track_name
from detente.centre.picture.trust import Suspicion
from detente.gateway.logic.doubts import doubts_document, sensors_document
from detente.gateway.logic.link import Gateway, Link
from detente.gateway.logic.node import Node
from detente.gateway.logic.operator import ORDERS
from detente.geodesy.timescale import format_moment
from detente.records.slots import Origin, Picture, Status

REQUEST_BYTES_MAX = 8192
REQUEST_S = 5.0
ORDER_FAULT = "a fault of the gateway's own, told in its log: this does not count, and the gateway goes on"
UNKEPT = {
    "disk": "ticks are not kept, because the disk refuses them: make room, and reload once there is",
    "start": "ticks are not kept, because this start met a fault of the gateway's own, told in its log: start again",
    "tick": "ticks are not kept, because of a fault of the gateway's own (`fault` in /health): start again",
}
METRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def metrics(node: Node, counts: dict[str, float], names: tuple[str, ...]) -> str:
    """The state as OpenMetrics text (OpenMetrics 1.0); ``names`` of all sides, in index order."""
    lines = []
    for name, value in sorted(counts.items()):
        kind = "counter" if name.endswith("_total") else "gauge"
        lines += [f"# TYPE detente_{name.removesuffix('_total')} {kind}", f"detente_{name} {_number(value)}"]
    gauges: dict[str, Callable[[Link], float]] = {
        "line_up": lambda link: link.up, "session_open": lambda link: link.session.open,
        "paused": lambda link: link.paused_here or link.paused_there, "quarantined": lambda link: link.quarantined,
        "outbox_envelopes": lambda link: len(link.pending), "outbox_bytes": lambda link: link.outbox_bytes,
        "outbox_closings": lambda link: len(link.closings),
        "inbox_waiting": lambda link: len(link.waiting), "gap_envelopes": lambda link: len(link.beyond),
        "ledger_entries": lambda link: link.tip.size, "clock_skew_seconds": lambda link: link.skew.offset_s,
        "clock_steps": lambda link: link.skew.steps,
    }  # fmt: skip
    for name, read in gauges.items():
        lines.append(f"# TYPE detente_{name} gauge")
        lines += [
            f'detente_{name}{{partner="{partner}"}} {_number(read(link))}' for partner, link in node.links.items()
        ]
    trust = node.centre.assisted.trust
    lines.append("# TYPE detente_suspected gauge")
    for partner in node.links:
        side = names.index(partner)
        lines.append(f'detente_suspected{{partner="{partner}"}} {int(trust.suspected[0, side] != 0)}')
    lines.append("# TYPE detente_suspicion_evidence gauge")
    for partner in node.links:
        for kind, value in zip(Suspicion, trust.evidence[0, names.index(partner)], strict=True):
            of = f'partner="{partner}",test="{(kind.name or "").lower()}"'
            lines.append(f"detente_suspicion_evidence{{{of}}} {_number(value)}")
    told = node.centre.assisted.partner
    for what, count in (("rejected", told.rejected), ("overflow", told.overflow)):
        lines += [f"# TYPE detente_picture_{what} counter", f"detente_picture_{what}_total {int(count[0])}"]
    lines.append("# TYPE detente_exchange counter")
    for partner, link in node.links.items():
        lines += [
            f'detente_exchange_total{{partner="{partner}",what="{what}"}} {count}'
            for what, count in sorted(link.counts.items())
        ]
    return "\n".join([*lines, "# EOF", ""])


def _number(value: float) -> str:
    """A number as OpenMetrics has it, to its last digit."""
    return repr(float(value))


def picture_lines(picture: Picture, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """The confirmed lines of a picture, for people: degrees, kilometres, seconds."""
    found = []
    for slot in (picture.status[0] == Status.CONFIRMED).nonzero()[0]:
        threat = picture.estimates.threat_probability[0, slot]
        line: dict[str, Any] = {
            "track": track_name(names[int(picture.giver[0, slot])], int(picture.number[0, slot])),
            "origin": Origin(int(picture.origin[0, slot])).name.lower(),
            "threatens": {name: round(float(p), 2) for name, p in zip(names, threat) if p >= 0.05},
        }
        if picture.estimates.impact_valid[0, slot]:
            line["impact"] = {
                "lat_deg": round(math.degrees(float(picture.estimates.impact_lat_rad[0, slot])), 2),
                "lon_deg": round(math.degrees(float(picture.estimates.impact_lon_rad[0, slot])), 2),
                "in_s": round(float(picture.estimates.impact_s[0, slot]) - picture.time_s, 1),
            }
        found.append(line)
    return found


def marks(gateway: Gateway) -> dict[str, Any]:
    """What every word of a side's says: whose it is, that it is no earnest, and whether the side runs alone."""
    said = {"side": gateway.name, "marking": gateway.mark.name.lower()}
    return said | {"alone": True} if gateway.alone else said


def agreement_document(gateway: Gateway, exercise_s: float) -> dict[str, Any]:
    """Under which agreement a side is, and whether it is in force at a moment of exercise time."""
    agreement = gateway.setting.agreement
    if agreement is None:
        return {"standing": "alone" if gateway.alone else "none"}
    first, last = agreement.valid.start, agreement.valid.end
    return {
        "standing": gateway.standing(exercise_s), "name": agreement.name, "digest": gateway.digest,
        "from": format_moment(first), "until": format_moment(last),
    }  # fmt: skip


def agreement_words(said: dict[str, Any]) -> str:
    """The same, for people."""
    if said["standing"] == "alone":
        return "this side runs alone, as --alone asks: no line is opened, nothing is exchanged, whatever was agreed"
    if said["standing"] == "none":
        return "no agreement is configured: nothing is exchanged"
    if said["standing"] == "not-yet":
        return (
            f"agreement {said['name']!r} is in force from {said['from']} of exercise time: nothing is exchanged before"
        )
    if said["standing"] == "over":
        return f"agreement {said['name']!r} ended {said['until']} of exercise time: nothing is exchanged any more"
    return f"agreement {said['name']!r} is in force until {said['until']} of exercise time"


def health_document(gateway: Gateway, node: Node, exercise_s: float, *, feeds: int) -> dict[str, Any]:
    """What ``GET /health`` answers; ``feeds`` is the number of own sensors' lines."""
    partners = {
        name: {
            "session": link.session.state.value, "line": link.up, "paused_here": link.paused_here,
            "paused_there": link.paused_there, "quarantined": link.quarantined,
            "outbox": len(link.pending) + len(link.closings),
            "received": link.counts.get("received", 0), "receipted": link.counts.get("receipted", 0),
            "refused": link.counts.get("refused", 0), "ledger": link.tip.size,
            "skew_s": round(link.skew.offset_s, 3) + 0.0, "skewed": abs(link.skew.offset_s) > gateway.limits.skew_s,
            "doubts": doubts_document(gateway, node.centre, name),
            "sensors": sensors_document(gateway, node.centre, name),
        }
        for name, link in node.links.items()
    }  # fmt: skip
    return {
        **marks(gateway), "tick": node.tick,
        "exercise_s": round(exercise_s, 3), "durable": node.durable, "adrift": node.adrift, "feeds": feeds,
        "agreement": agreement_document(gateway, exercise_s), "partners": partners,
    }  # fmt: skip


class Done(str):
    """An answer to an order that is followed; any other text says why one is not."""


class HealthServer:
    """Answers on loopback. ``state`` gives node, counts and health document; ``order`` takes the operator's word."""

    def __init__(
        self, state: Callable[[], tuple[Node, dict[str, float], dict[str, Any]]],
        order: Callable[[str, str], Awaitable[str]], names: tuple[str, ...], token: str,
    ) -> None:  # fmt: skip
        self.state, self.order, self.names, self.token = state, order, names, token

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        try:
            async with asyncio.timeout(REQUEST_S):
                head = await reader.readuntil(b"\r\n\r\n")
            said = head.decode("latin-1") if len(head) <= REQUEST_BYTES_MAX else ""
            try:
                status, kind, body = await self._answer(said)
            except Exception as error:
                writer.write(_response(*_fault(error), head=False))
                raise  # it is a fault of ours: the loop's log has all of it
            writer.write(_response(status, kind, body, head=said.startswith("HEAD ")))
            await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.CancelledError, asyncio.LimitOverrunError, OSError):
            pass
        finally:
            writer.close()

    async def _answer(self, head: str) -> tuple[str, str, str]:
        lines = head.split("\r\n")
        words = lines[0].split(" ")
        method, path = (words[0], words[1].partition("?")[0]) if len(words) == 3 else ("", "")
        looks = method in ("GET", "HEAD")
        node, counts, health = self.state()
        if looks and path == "/metrics":
            return "200 OK", METRICS_TYPE, metrics(node, counts, self.names)
        if looks and path == "/health":
            return "200 OK", "application/json", json.dumps(health) + "\n"
        if looks and path == "/picture":
            said = {name: health[name] for name in ("side", "marking", "alone") if name in health}
            said |= {"tick": node.tick, "lines": picture_lines(node.centre.assisted.picture, self.names)}
            return "200 OK", "application/json", json.dumps(said) + "\n"
        if method == "POST" and path.startswith("/order/"):
            return await self._order(path, lines)
        return "404 Not Found", "text/plain", "GET /health, /metrics or /picture; POST /order/WORD/PARTNER\n"

    async def _order(self, path: str, lines: list[str]) -> tuple[str, str, str]:
        shown = [line.partition(":")[2].strip() for line in lines if line.lower().startswith("authorization:")]
        if not shown or not hmac.compare_digest(shown[0].encode(), f"Bearer {self.token}".encode()):
            return "401 Unauthorized", "text/plain", "an order needs the operator's token\n"
        parts = [unquote(part) for part in path.split("/")]
        if len(parts) != 4 or parts[2] not in (*ORDERS, "reload"):
            return "400 Bad Request", "text/plain", f"one of {', '.join((*ORDERS, 'reload'))}, and a partner\n"
        said = await self.order(parts[2], parts[3])
        if said and not isinstance(said, Done):
            status = "500 Internal Server Error" if said == ORDER_FAULT else "409 Conflict"
            return status, "text/plain", said + "\n"
        return "200 OK", "text/plain", (said or "done") + "\n"


def _response(status: str, kind: str, body: str, *, head: bool) -> bytes:
    """An answer's bytes; to HEAD, all but the body."""
    content = body.encode()
    lines = (f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(content)}", "Connection: close")
    return "\r\n".join([*lines, "", ""]).encode() + (b"" if head else content)


def _fault(error: Exception) -> tuple[str, str, str]:
    """What is answered where the answer cannot be made: that the gateway goes on, and where to look."""
    text = f"a fault of the gateway's own ({type(error).__name__}); it is on stderr, and the gateway goes on\n"
    return "500 Internal Server Error", "text/plain", text
