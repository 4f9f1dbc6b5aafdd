"""In recorded worlds messages travel as they would live: sealed, through both ledgers, opened, and checked twice.

The keys are made from the study's seed: they protect nothing, they let a recorded world be replayed to the byte.
"""

import hashlib
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detente.centre.exchange import message as envelopes
from detente.centre.exchange.digest import digest
from detente.centre.exchange.egress_check import check_egress
from detente.centre.exchange.ledger import EntryKind, Ledger, document
from detente.centre.exchange.rules import label_of
from detente.centre.exchange.second_check import Setting, Snapshot
from detente.centre.exchange.session import opened
from detente.centre.exchange.statement import Address, Receipt, sign_receipt
from detente.records.errors import PeerError
from detente.records.slots import Estimates, SensorStatus, Tracks
from detente.records.stages import Messages
from detente.studies.architectures import Architecture
from detente.studies.chunk import Chunk


class Sealing:
    """The envelopes and ledgers of one architecture in a chunk of replicates."""

    def __init__(self, chunk: Chunk, architecture: Architecture) -> None:
        agreement = chunk.scenario.agreements[architecture.name]
        assert agreement is not None, "an architecture that exchanges has an agreement"
        self.chunk = chunk
        self.digest = digest(agreement)
        self.rules = chunk.rules(architecture)
        self.origin = chunk.scenario.file.epoch.isoformat()
        names = chunk.scenario.side_names
        self.keys = [
            Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"study/{chunk.seed}/{name}".encode()).digest())
            for name in names
        ]
        self.public = [{envelopes.key_id(key.public_key()): key.public_key()} for key in self.keys]
        self.sensors = [_mask(chunk, side) for side in range(chunk.sides)]
        self.sequence: dict[tuple[int, int, int], int] = {}
        self.books: dict[tuple[int, int, int], Ledger] = {}  # by row, side and partner
        pairs = [(a, b) for a in names for b in names if a != b and a in agreement.parties and b in agreement.parties]
        owners, sides = zip(*((sensor.owner, sensor.side) for sensor in chunk.scenario.sensors), strict=True)
        self.setting = Setting(
            agreement=agreement, side_names=names, sensor_owners=owners, sensor_sides=sides,
            epoch=chunk.scenario.file.epoch,
        )  # fmt: skip
        self.remembered_s = max((c.delay_s + c.period_s for c in agreement.clauses), default=0.0)
        self.known: dict[int, list[Snapshot]] = {side: [] for side in range(chunk.sides)}
        self.said: dict[tuple[int, int, int], Messages] = {}  # of late, by row, giver and receiver
        self.refused = 0
        self.sessions = {pair: opened(pair[1], self.digest, self.digest) for pair in pairs}

    def remember(self, side: int, tracks: Tracks, estimates: Estimates, status: SensorStatus) -> None:
        """Keep what a side knows now: what the second checker holds its envelopes against."""
        recent = [known for known in self.known[side] if known.tracks.time_s >= tracks.time_s - self.remembered_s]
        self.known[side] = [*recent, Snapshot(tracks=tracks, estimates=estimates, sensors=status)]

    def _second_look(self, envelope: bytes, messages: Messages, row: int, giver: int, receiver: int) -> None:
        """Have the independent checker agree with an envelope, or nothing leaves: a breach is our bug."""
        place = row, giver, receiver
        before = self.said.get(place, Messages.empty())
        earlier = before.take(before.released_s >= messages.released_s[0] - self.remembered_s)
        breaches = check_egress(
            envelope, self.known[giver], self.setting, giver, receiver, mark="simulated", row=row, earlier=earlier
        )
        assert not breaches, f"the second check refuses {len(breaches)} releases; the first: {breaches[0]}"
        self.said[place] = Messages.concatenate([earlier, messages])

    def carry(self, messages: Messages) -> Messages:
        """The same messages after sealing by the giver and opening by the receiver, noted in both ledgers."""
        arrived = []
        keys = np.stack([messages.replicate, messages.giver, messages.receiver], axis=1)
        for row, giver, receiver in np.unique(keys, axis=0):
            rows = np.flatnonzero(np.all(keys == (row, giver, receiver), axis=1))
            arrived.append(self._one(messages.take(rows), int(row), int(giver), int(receiver)))
        return Messages.concatenate(arrived)

    def _one(self, messages: Messages, row: int, giver: int, receiver: int) -> Messages:
        names = self.chunk.scenario.side_names
        assert self.sessions[names[giver], names[receiver]].open, "the exchange is open"
        place = row, giver, receiver
        sequence = self.sequence.get(place, 0)
        self.sequence[place] = sequence + 1
        header = envelopes.Header(
            mark=envelopes.Mark.SIMULATED, giver=names[giver], receiver=names[receiver], agreement=self.digest,
            origin=self.origin, epoch=1, sequence=sequence, sealed_s=float(messages.released_s[0]),
            label=label_of(self.rules, names[receiver], messages.clause), head=self.books.get(place, Ledger()).head,
        )  # fmt: skip
        envelope = envelopes.seal(messages, header, self.keys[giver])
        self._second_look(envelope, messages, row, giver, receiver)
        expected = envelopes.Expected(
            mark=envelopes.Mark.SIMULATED, giver=names[giver], receiver=names[receiver], agreement=self.digest,
            origin=self.origin, giver_index=giver, receiver_index=receiver, rules=self.rules,
            sensors_of_giver=self.sensors[giver],
        )  # fmt: skip
        try:
            _, opened_messages = envelopes.open_envelope(envelope, self.public[giver], expected)
            received = EntryKind.RECEIVED
        except PeerError:  # counted and dropped, as a live receiver would
            opened_messages, received = Messages.empty(), EntryKind.REFUSED
            self.refused += 1
        sent_s = float(messages.released_s[0])
        name = envelopes.envelope_digest(envelope)
        for side, partner, kind in ((giver, receiver, EntryKind.SENT), (receiver, giver, received)):
            delay_s = 0.0 if side == giver else float(self.chunk.link_delay_s[row])
            self.books[row, side, partner] = self.books.get((row, side, partner), Ledger()).append(
                kind, name, written_s=sent_s + delay_s, stated_s=sent_s, epoch=1, sequence=sequence
            )
        columns = {name: getattr(opened_messages, name) for name, _ in Messages.columns()}
        return Messages(**{**columns, "replicate": np.full(len(opened_messages), row)})

    def ledgers(self) -> dict[str, Any]:
        """Each side's ledger with each partner as a document, of the first replicate, with the partner's last word."""
        names = self.chunk.scenario.side_names
        keys = {name: [key.public_key().public_bytes_raw()] for name, key in zip(names, self.keys, strict=True)}
        found = {}
        for (row, side, partner), book in self.books.items():
            if row == 0:
                pair = {name: keys[name] for name in (names[side], names[partner])}
                found[f"{names[side]}-with-{names[partner]}"] = document(
                    names[side], names[partner], book.entries, book.head, [self._last_word(partner, side)], pair
                )
        return found

    def _last_word(self, giver: int, receiver: int) -> bytes:
        """What a side signs when the exchange is over: its own ledger's head and, countersigned, the partner's."""
        names = self.chunk.scenario.side_names
        own, theirs = self.books[0, giver, receiver], self.books[0, receiver, giver]
        address = Address(
            mark=envelopes.Mark.SIMULATED, giver=names[giver], receiver=names[receiver], agreement=self.digest,
            origin=self.origin, epoch=1, ordinal=0, sealed_s=own.entries[-1].written_s, head=own.head, seen=theirs.head,
        )  # fmt: skip
        return sign_receipt(Receipt(address=address, acknowledged=()), self.keys[giver])


def _mask(chunk: Chunk, side: int) -> int:
    return sum(1 << index for index, sensor in enumerate(chunk.scenario.sensors) if sensor.side == side)
