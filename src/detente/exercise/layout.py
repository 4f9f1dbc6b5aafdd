"""A whole exercise in one folder, for demonstrations: keys, theatre, signed agreement, a configuration a side."""

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

from detente.centre.exchange.signature import sign
from detente.exercise.briefing import theatre_file, theatre_text
from detente.gateway.keys import make_keys, read_signing_key
from detente.gateway.signatures import write_signatures
from detente.geodesy.timescale import format_moment
from detente.scenario.agreement import Agreement
from detente.scenario.asked import Scenario

GRACE_S = 5.0  # that a tick waits for its detections. source: assumption, 1-30: one machine plays three parts


@dataclass(frozen=True, kw_only=True)
class Laid:
    """Where everything is."""

    folder: Path
    configs: Mapping[str, Path]
    feeds: Mapping[str, str]  # addresses
    health: Mapping[str, str]
    origin: datetime
    rate: float


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody holds now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def lay_out(
    folder: Path, scenario: Scenario, agreement: Agreement, *, origin: datetime, rate: float, seed: int = 1,
    replicate: int = 0,
) -> Laid:  # fmt: skip
    """Write all that the sides of an exercise on one machine need. Raises InputError where keys are there already."""
    names = scenario.side_names
    make_keys(folder / "keys", names, datetime.now(UTC))
    (folder / "theatre.yaml").write_text(theatre_text(theatre_file(scenario, seed, replicate)), encoding="utf-8")
    text = json.dumps(agreement.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"
    (folder / "agreement.yaml").write_text(text, encoding="utf-8")
    signatures = [
        sign(agreement, party, read_signing_key(folder / "keys" / party / "signing.key"))
        for party in agreement.parties
    ]  # fmt: skip
    write_signatures(folder / "agreement.signatures.json", agreement, signatures)
    pairs = list(combinations(agreement.parties, 2))
    ports = free_ports(2 * len(names) + len(pairs))
    feeds = {name: f"127.0.0.1:{ports[index]}" for index, name in enumerate(names)}
    health = {name: f"127.0.0.1:{ports[len(names) + index]}" for index, name in enumerate(names)}
    meeting = {pair: f"127.0.0.1:{ports[2 * len(names) + index]}" for index, pair in enumerate(pairs)}
    configs = {}
    for name in names:
        configs[name] = folder / f"{name}.yaml"
        document = {
            "side": name, "marking": "exercise", "theatre": "theatre.yaml", "agreement": "agreement.yaml",
            "signatures": "agreement.signatures.json", "store": f"{name}.store",
            "clock": {"origin": format_moment(origin), "rate": rate},
            "keys": {
                "signing": f"keys/{name}/signing.key", "tls_key": f"keys/{name}/tls.key",
                "tls_certificate": f"keys/{name}/tls.pem", "offsets": f"keys/{name}/offsets.secret",
                "operator": f"keys/{name}/operator.token",
            },
            "feed": {"listen": feeds[name], "grace_s": GRACE_S * max(1.0, rate)}, "health": health[name],
            "partners": [_partner(name, pair, address) for pair, address in meeting.items() if name in pair],
        }  # fmt: skip
        configs[name].write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return Laid(folder=folder, configs=configs, feeds=feeds, health=health, origin=origin, rate=rate)


def _partner(name: str, pair: tuple[str, ...], address: str) -> dict[str, object]:
    """The first of a pair listens, the second connects."""
    other = next(party for party in pair if party != name)
    public = f"keys/public/{other}"
    return {
        "name": other, "signing": [f"{public}/signing.pub"], "authority": f"{public}/authority.pem",
        ("listen" if name == pair[0] else "connect"): address,
    }  # fmt: skip
