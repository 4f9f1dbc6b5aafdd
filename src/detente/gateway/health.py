"""How a running gateway shows itself, on loopback alone: health, OpenMetrics, the picture, and the operator's word.

A few lines of HTTP/1.1, one request a connection. ``GET /health``, ``/metrics``, ``/picture`` are open to whoever is on
the machine; ``POST /order/WORD/PARTNER`` needs the operator's token (``Authorization: Bearer …``).
"""

import asyncio
import hmac
import json
import math
from collections.abc import Callable
from typing import Any

from detente.centre.picture.identity import track_name
from detente.centre.picture.trust import Suspicion
from detente.gateway.logic.link import Link
from detente.gateway.logic.node import ORDERS, Node
from detente.records.slots import Origin, Picture, Status

REQUEST_BYTES_MAX = 8192
REQUEST_S = 5.0
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


class HealthServer:
    """Answers on loopback. ``state`` gives node, counts and health document; ``order`` takes the operator's word."""

    def __init__(
        self, state: Callable[[], tuple[Node, dict[str, float], dict[str, Any]]], order: Callable[[str, str], str],
        names: tuple[str, ...], token: str,
    ) -> None:  # fmt: skip
        self.state, self.order, self.names, self.token = state, order, names, token

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        try:
            async with asyncio.timeout(REQUEST_S):
                head = await reader.readuntil(b"\r\n\r\n")
            status, kind, body = self._answer(head.decode("latin-1") if len(head) <= REQUEST_BYTES_MAX else "")
            content = body.encode()
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n"
                "Connection: close\r\n\r\n".encode()
                + content
            )
            await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.CancelledError, asyncio.LimitOverrunError, OSError):
            pass
        finally:
            writer.close()

    def _answer(self, head: str) -> tuple[str, str, str]:
        lines = head.split("\r\n")
        words = lines[0].split(" ")
        method, path = (words[0], words[1]) if len(words) == 3 else ("", "")
        node, counts, health = self.state()
        if (method, path) == ("GET", "/metrics"):
            return "200 OK", METRICS_TYPE, metrics(node, counts, self.names)
        if (method, path) == ("GET", "/health"):
            return "200 OK", "application/json", json.dumps(health) + "\n"
        if (method, path) == ("GET", "/picture"):
            lines_of = picture_lines(node.centre.assisted.picture, self.names)
            return "200 OK", "application/json", json.dumps({"tick": node.tick, "lines": lines_of}) + "\n"
        if method == "POST" and path.startswith("/order/"):
            return self._order(path, lines)
        return "404 Not Found", "text/plain", "GET /health, /metrics or /picture; POST /order/WORD/PARTNER\n"

    def _order(self, path: str, lines: list[str]) -> tuple[str, str, str]:
        shown = [line.partition(":")[2].strip() for line in lines if line.lower().startswith("authorization:")]
        if not shown or not hmac.compare_digest(shown[0].encode(), f"Bearer {self.token}".encode()):
            return "401 Unauthorized", "text/plain", "an order needs the operator's token\n"
        parts = path.split("/")
        if len(parts) != 4 or parts[2] not in (*ORDERS, "reload"):
            return "400 Bad Request", "text/plain", f"one of {', '.join((*ORDERS, 'reload'))}, and a partner\n"
        refusal = self.order(parts[2], parts[3])
        if refusal:
            return "409 Conflict", "text/plain", refusal + "\n"
        return "200 OK", "text/plain", "done\n"
