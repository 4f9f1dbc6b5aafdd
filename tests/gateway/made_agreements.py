"""Agreements made of the bundled one, and pairs of gateways under them."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from tests.gateway.made_gateway import SIDES, Pair, key, world

from detente.centre.exchange.message import Mark
from detente.centre.exchange.offsets import Secret
from detente.gateway.logic.link import Gateway
from detente.gateway.logic.node import start
from detente.gateway.theatre import gateway_of
from detente.scenario.agreement import Agreement
from detente.scenario.files import load_agreement

BASE = load_agreement("lisbon-2011").model_dump(mode="json")


@cache
def under(name: str, said: str) -> Gateway:
    """A side's gateway under an agreement, by its JSON."""
    theatre = world().theatre
    keys = {one: (key(one).public_key(),) for one in theatre.names if one != name}
    return gateway_of(
        theatre, name, Agreement.model_validate_json(said), mark=Mark.EXERCISE, signer=key(name), keys=keys,
        secret=Secret(bytes(32)),
    )  # fmt: skip


def agreement(name: str = "lisbon-2011", change: Callable[[dict], Any] = lambda clause: None, first: int = 0) -> str:
    """The bundled one with another name, each clause changed, without the first few."""
    clauses = [dict(clause) for clause in BASE["clauses"][first:]]
    for clause in clauses:
        change(clause)
    return json.dumps(BASE | {"name": name, "clauses": clauses})


def coarse(sigma_m: float) -> Callable[[dict], Any]:
    def change(clause: dict) -> None:
        if clause["data"] == "track":
            clause["coarsen"] = clause["coarsen"] | {"sigma_position_m": sigma_m}

    return change


def pair_under(said: str, ticks: int = 0) -> Pair:
    pair = Pair()
    pair.gateways = {name: under(name, said) for name in SIDES}
    pair.nodes = {name: start(pair.gateways[name], 1) for name in SIDES}
    return pair.begin(ticks)
