"""What a gateway shows of itself: metrics as the OpenMetrics standard has them, and no digit lost."""

import asyncio
import json
import math
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from tests.gateway.made_gateway import SIDES, Pair

from detente.gateway.health import (
    METRICS_TYPE,
    ORDER_FAULT,
    REQUEST_BYTES_MAX,
    HealthServer,
    agreement_document,
    agreement_words,
    metrics,
)

NATO, RUSSIA = SIDES
TYPE = re.compile(r"# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge)")
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]\w*=\"[^\"\\\n]*\",?)+)\})? (\S+)")


def parsed(text: str) -> dict[tuple[str, str], float]:
    """The samples of an OpenMetrics 1.0 exposition, held to its rules (those that these metrics can break)."""
    assert text.endswith("# EOF\n")
    *lines, end, nothing = text.split("\n")
    assert (end, nothing) == ("# EOF", "")
    family, kind, families, samples = "", "", [], {}
    for line in lines:
        named = TYPE.fullmatch(line)
        if named:
            family, kind = named.groups()
            assert family not in families, f"{family}: a family stands in one place"
            assert not family.endswith(("_total", "_created", "_bucket")), family
            families.append(family)
            continue
        whole = SAMPLE.fullmatch(line)
        assert whole, f"{line!r} is no sample"
        name, labels, value = whole.groups(default="")
        assert name == (f"{family}_total" if kind == "counter" else family), line
        assert not labels.endswith(",")
        keys = re.findall(r"(\w+)=", labels)
        assert len(set(keys)) == len(keys)
        assert (name, labels) not in samples, f"{line!r} stands twice"
        samples[name, labels] = float(value)
        assert kind == "gauge" or (math.isfinite(samples[name, labels]) and samples[name, labels] >= 0.0), line
    return samples


@pytest.fixture(scope="module")
def pair() -> Pair:
    return Pair().begin(6)


HEALTH = {"side": NATO, "marking": "exercise"}
COUNTS = {"ticks_total": 1_234_567.0, "own_warnings_total": 12.0, "tick": 7.0, "exercise_seconds": 1234567.875}


def test_metrics_are_open_metrics(pair: Pair) -> None:
    found = parsed(metrics(pair.nodes[NATO], COUNTS, SIDES))
    assert found["detente_ticks_total", ""] == 1_234_567.0, "a counter keeps all its digits"
    assert found["detente_exercise_seconds", ""] == 1234567.875
    link = pair.link(NATO)
    assert found["detente_session_open", f'partner="{RUSSIA}"'] == 1.0
    assert found["detente_ledger_entries", f'partner="{RUSSIA}"'] == link.tip.size > 5
    told = {what for name, labels in found if name == "detente_exchange_total" for what in [labels.split('"')[3]]}
    assert told == set(link.counts)
    evidence = [value for (name, _), value in found.items() if name == "detente_suspicion_evidence"]
    assert len(evidence) == pair.nodes[NATO].centre.assisted.trust.evidence.shape[-1]
    assert np.isfinite(evidence).all()


def test_a_side_without_partners_has_metrics_too(pair: Pair) -> None:
    node = type(pair.nodes[NATO])(**{**vars(pair.nodes[NATO]), "links": {}})
    assert set(parsed(metrics(node, COUNTS, SIDES))) == {
        (f"detente_{name}", "") for name in (*COUNTS, "picture_rejected_total", "picture_overflow_total")
    }  # fmt: skip


@pytest.mark.parametrize(
    ("request_line", "token", "status"),
    [
        ("GET /metrics HTTP/1.1", "", "200 OK"), ("GET /health HTTP/1.1", "", "200 OK"),
        ("GET /picture HTTP/1.1", "", "200 OK"), ("GET /store HTTP/1.1", "", "404 Not Found"),
        ("", "", "404 Not Found"), ("GET /metrics?x=1 HTTP/1.1", "", "200 OK"),
        ("HEAD /metrics HTTP/1.1", "", "200 OK"), ("HEAD /health?a=b HTTP/1.1", "", "200 OK"),
        ("PUT /health HTTP/1.1", "", "404 Not Found"), ("POST /order/pause/%52ussia HTTP/1.1", "right", "200 OK"),
        ("POST /order/pause/Russia HTTP/1.1", "", "401 Unauthorized"),
        ("POST /order/pause/Russia HTTP/1.1", "wrong", "401 Unauthorized"),
        ("POST /order/pause/Russia HTTP/1.1", "right", "200 OK"),
        ("POST /order/fire/Russia HTTP/1.1", "right", "400 Bad Request"),
        ("POST /order/pause HTTP/1.1", "right", "400 Bad Request"),
        ("POST /order/pause/Mars HTTP/1.1", "right", "409 Conflict"),
    ],
)  # fmt: skip
def test_anybody_may_look_and_the_operator_alone_orders(pair: Pair, request_line: str, token: str, status: str) -> None:
    given: list[tuple[str, str]] = []

    async def order(word: str, partner: str) -> str:
        given.append((word, partner))
        return "" if partner == RUSSIA else f"{partner} is no partner"

    server = HealthServer(lambda: (pair.nodes[NATO], COUNTS, HEALTH), order, SIDES, "right")
    head = f"{request_line}\r\nHost: x\r\n" + (f"Authorization: Bearer {token}\r\n" if token else "") + "\r\n"
    answered = asyncio.run(server._answer(head))
    assert answered[0] == status
    obeyed = request_line.startswith("POST") and status in ("200 OK", "409 Conflict")
    assert given == ([("pause", unquote(request_line.split()[1].split("/")[3]))] if obeyed else [])
    if "picture" in request_line:
        assert json.loads(answered[2]).items() >= HEALTH.items(), "whose it is, and that it is an exercise's"
    if "metrics" in request_line:
        assert answered[1] == METRICS_TYPE == "application/openmetrics-text; version=1.0.0; charset=utf-8"


def exchanged(server: HealthServer, request: bytes) -> tuple[bytes, list[dict[str, Any]]]:
    """What comes back over a socket, and what the loop's log was told."""
    told: list[dict[str, Any]] = []

    async def story() -> bytes:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
        listening = await asyncio.start_server(server.client, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname()[:2])
        writer.write(request)
        answer = await reader.read()
        writer.close()
        listening.close()
        await asyncio.sleep(0.01)
        return answer

    return asyncio.run(story()), told


async def unasked(word: str, partner: str) -> str:
    """No order comes."""
    raise AssertionError


def test_head_is_answered_without_the_body(pair: Pair) -> None:
    server = HealthServer(lambda: (pair.nodes[NATO], COUNTS, HEALTH), unasked, SIDES, "t")
    whole, _ = exchanged(server, b"GET /health HTTP/1.1\r\n\r\n")
    head, _ = exchanged(server, b"HEAD /health HTTP/1.1\r\n\r\n")
    assert whole == head + json.dumps(HEALTH).encode() + b"\n"
    assert b"Content-Length: 40\r\n" in head


def test_a_fault_of_ours_in_an_order_is_answered_and_told(pair: Pair) -> None:
    """The operator must not take a gateway that goes on exchanging for one that is down."""

    async def order(word: str, partner: str) -> str:
        raise KeyError(partner)

    server = HealthServer(lambda: (pair.nodes[NATO], COUNTS, HEALTH), order, SIDES, "right")
    request = b"POST /order/reload/- HTTP/1.1\r\nAuthorization: Bearer right\r\n\r\n"
    answer, told = exchanged(server, request)
    assert answer.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b"a fault of the gateway's own (KeyError)" in answer
    assert [type(one["exception"]) for one in told] == [KeyError]


def test_an_order_that_met_a_fault_of_ours_is_no_refusal(pair: Pair) -> None:
    """`detente order` exits with 1 then, and not as for a word that cannot be followed."""

    async def order(word: str, partner: str) -> str:
        return ORDER_FAULT

    server = HealthServer(lambda: (pair.nodes[NATO], COUNTS, HEALTH), order, SIDES, "right")
    answer, told = exchanged(server, b"POST /order/pause/Russia HTTP/1.1\r\nAuthorization: Bearer right\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert answer.endswith(f"{ORDER_FAULT}\n".encode())
    assert told == [], "its log has it"


def test_health_says_whether_the_agreement_is_in_force(pair: Pair) -> None:
    gateway = pair.gateways[NATO]
    agreement = gateway.setting.agreement
    assert agreement is not None
    valid, epoch = agreement.valid, gateway.setting.epoch
    for moment, standing, words in (
        (valid.start - timedelta(seconds=1), "not-yet", "nothing is exchanged before"),
        (valid.start, "in-force", "is in force until"),
        (valid.end - timedelta(seconds=1), "in-force", "is in force until"),
        (valid.end, "over", "nothing is exchanged any more"),
    ):
        said = agreement_document(gateway, (moment - epoch).total_seconds())
        assert said["standing"] == standing
        assert said["digest"] == gateway.digest
        assert words in agreement_words(said)
    without = replace(gateway, setting=replace(gateway.setting, agreement=None))
    assert agreement_document(without, 0.0) == {"standing": "none"}


def test_p5_a_request_that_is_too_long_is_not_looked_at(pair: Pair) -> None:
    server = HealthServer(lambda: (pair.nodes[NATO], COUNTS, HEALTH), unasked, SIDES, "t")
    for more, status in ((0, b"HTTP/1.1 200 OK"), (1, b"HTTP/1.1 404 Not Found")):
        request = b"GET /health HTTP/1.1\r\nx: " + bytes(REQUEST_BYTES_MAX + more).replace(b"\0", b"x")
        answer, _ = exchanged(server, request[: REQUEST_BYTES_MAX + more - 4] + b"\r\n\r\n")
        assert answer.startswith(status)
