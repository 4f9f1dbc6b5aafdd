"""In recorded worlds messages travel as they would live: sealed, through both ledgers, opened, and checked twice.

The keys are made from the study's seed: they protect nothing, they let a recorded world be replayed to the byte.
"""

import hashlib
from dataclasses import asdict
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detente.centre.exchange import message as envelopes
from detente.centre.exchange.digest import digest
from detente.centre.exchange.ledger import EntryKind, Ledger
from detente.centre.exchange.session import opened
from detente.records.stages import Messages
from detente.studies.architectures import Architecture
from detente.studies.theatre import Theatre


class Sealing:
    """The envelopes and ledgers of one architecture in a chunk of replicates."""

    def __init__(self, theatre: Theatre, architecture: Architecture) -> None:
        agreement = theatre.scenario.agreements[architecture.name]
        assert agreement is not None, "an architecture that exchanges has an agreement"
        self.theatre = theatre
        self.digest = digest(agreement)
        self.rules = theatre.rules(architecture)
        self.origin = theatre.scenario.file.epoch.isoformat()
        names = theatre.scenario.side_names
        self.keys = [
            Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"study/{theatre.seed}/{name}".encode()).digest())
            for name in names
        ]
        self.public = [{envelopes.key_id(key.public_key()): key.public_key()} for key in self.keys]
        self.sensors = [_mask(theatre, side) for side in range(theatre.sides)]
        self.sequence: dict[tuple[int, int, int], int] = {}
        self.books = {(row, side): Ledger() for row in range(theatre.rows) for side in range(theatre.sides)}
        pairs = [(a, b) for a in names for b in names if a != b and a in agreement.parties and b in agreement.parties]
        self.sessions = {pair: opened(pair[1], self.digest, self.digest) for pair in pairs}

    def carry(self, messages: Messages) -> Messages:
        """The same messages after sealing by the giver and opening by the receiver, noted in both ledgers."""
        arrived = []
        keys = np.stack([messages.replicate, messages.giver, messages.receiver], axis=1)
        for row, giver, receiver in np.unique(keys, axis=0):
            rows = np.flatnonzero(np.all(keys == (row, giver, receiver), axis=1))
            arrived.append(self._one(messages.take(rows), int(row), int(giver), int(receiver)))
        return Messages.concatenate(arrived)

    def _one(self, messages: Messages, row: int, giver: int, receiver: int) -> Messages:
        names = self.theatre.scenario.side_names
        assert self.sessions[names[giver], names[receiver]].open, "the exchange is open"
        place = row, giver, receiver
        sequence = self.sequence.get(place, 0)
        self.sequence[place] = sequence + 1
        header = envelopes.Header(
            mark=envelopes.Mark.SIMULATED, giver=names[giver], receiver=names[receiver], agreement=self.digest,
            origin=self.origin, epoch=1, sequence=sequence,
        )  # fmt: skip
        envelope = envelopes.seal(messages, header, self.keys[giver])
        expected = envelopes.Expected(
            mark=envelopes.Mark.SIMULATED, giver=names[giver], receiver=names[receiver], agreement=self.digest,
            origin=self.origin, giver_index=giver, receiver_index=receiver, rules=self.rules,
            sensors_of_giver=self.sensors[giver],
        )  # fmt: skip
        _, opened_messages = envelopes.open_envelope(envelope, self.public[giver], expected)
        sent_s = float(messages.released_s[0])
        name = envelopes.envelope_digest(envelope)
        for side, kind in ((giver, EntryKind.SENT), (receiver, EntryKind.RECEIVED)):
            delay_s = 0.0 if side == giver else float(self.theatre.link_delay_s[row])
            self.books[row, side] = self.books[row, side].append(
                kind, name, written_s=sent_s + delay_s, stated_s=sent_s, epoch=1, sequence=sequence
            )
        columns = {name: getattr(opened_messages, name) for name, _ in Messages.columns()}
        return Messages(**{**columns, "replicate": messages.replicate})

    def ledgers(self) -> dict[str, Any]:
        """Each side's ledger as a document, of the first replicate: its head and its entries."""
        found = {}
        for side, name in enumerate(self.theatre.scenario.side_names):
            book = self.books[0, side]
            entries = [asdict(entry) | {"kind": entry.kind.name.lower()} for entry in book.entries]
            found[name] = {"head": _hexed(asdict(book.head)), "entries": [_hexed(entry) for entry in entries]}
        return found


def _mask(theatre: Theatre, side: int) -> int:
    return sum(1 << index for index, sensor in enumerate(theatre.scenario.sensors) if sensor.side == side)


def _hexed(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in fields.items()}
