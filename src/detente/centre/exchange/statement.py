"""What two sides say to each other besides data: how every signed word begins, and receipts for what was received.

Words are signed like envelopes, over canonical JSON. Each carries the head of the sender's ledger with the receiver,
and the partner's head as last seen: by signing it, a side countersigns it, so that a partner who later shows another
past is caught by its own word. (Where a side stands in the exchange, a gateway says in its notes.)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detente.centre.exchange import canonical, dsse, message
from detente.centre.exchange.dsse import Keys, Kind
from detente.centre.exchange.ledger import EMPTY_HEAD, HEAD_FIELDS, Head, head_fields, head_of
from detente.centre.exchange.message import SCHEMA, Mark
from detente.records.errors import PeerError

ACKNOWLEDGED_MAX = 512
"""Envelopes in one receipt. Source: assumption, range 64–4,096: a receipt of 100 kB or less."""

BYTES_MAX = 131_072
BRACKETS_MAX = ACKNOWLEDGED_MAX + 8

RECEIPT = Kind(mark=b"DTNRCP01", payload_type="application/vnd.detente.receipt", payload_bytes_max=BYTES_MAX)


class Outcome(Enum):
    """What became of an envelope at its receiver. What was refused gets no receipt: its sender closes it in time."""

    RECEIVED = "received"  # applied, or kept as late
    DUPLICATE = "duplicate"  # had been received before; nothing was applied


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    """One line of a receipt."""

    epoch: int
    sequence: int
    digest: bytes  # SHA-256 of the envelope
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class Address:
    """What every signed word of one side to another begins with."""

    mark: Mark
    giver: str
    receiver: str
    agreement: str  # digest
    origin: str  # from which times count, ISO 8601 in UTC
    epoch: int  # of the one who speaks
    ordinal: int  # of this word in that epoch: a lower one than heard before is a replay
    sealed_s: float  # by the speaker's clock, whole microseconds
    head: Head  # of the speaker's ledger with the receiver
    seen: Head = EMPTY_HEAD  # of the receiver's, as last seen by the speaker


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """A signed word that envelopes came; with none, of the two heads alone."""

    address: Address
    acknowledged: tuple[Acknowledgement, ...]


@dataclass(frozen=True, kw_only=True)
class Addressed:
    """What the one who listens knows beforehand. Any agreement may be named: the session judges that."""

    mark: Mark
    giver: str
    receiver: str


ADDRESS_FIELDS = {
    "mark": canonical.text_of("simulated|exercise"),
    "giver": canonical.NAME,
    "receiver": canonical.NAME,
    "agreement": canonical.HASH,
    "origin": canonical.ORIGIN,
    "epoch": canonical.whole(),
    "ordinal": canonical.whole(),
    "sealed_us": canonical.MICROSECONDS,
    "head": canonical.object_of(HEAD_FIELDS),
    "seen": canonical.object_of(HEAD_FIELDS),
}
RECEIPT_FIELDS = ADDRESS_FIELDS | {
    "acknowledged": canonical.list_of(
        canonical.object_of(
            {
                "digest": canonical.HASH,
                "epoch": canonical.whole(),
                "outcome": canonical.text_of("|".join(outcome.value for outcome in Outcome)),
                "sequence": canonical.whole(),
            }
        ),
        ACKNOWLEDGED_MAX,
    ),
}


def address_fields(address: Address) -> dict[str, Any]:
    """How a signed word begins, as its document writes it."""
    return {
        "schema": SCHEMA, "mark": address.mark.name.lower(), "giver": address.giver, "receiver": address.receiver,
        "agreement": address.agreement, "origin": address.origin, "epoch": address.epoch, "ordinal": address.ordinal,
        "sealed_us": round(address.sealed_s * 1e6), "head": head_fields(address.head),
        "seen": head_fields(address.seen),
    }  # fmt: skip


def address_of(fields: Mapping[str, Any], expected: Addressed | None) -> Address:
    """How a word begins, of its checked fields. Raises PeerError where it is not of the one who is expected."""
    said = {name: fields[name] for name in ADDRESS_FIELDS if name != "sealed_us"}
    said |= {"mark": Mark[said["mark"].upper()], "head": head_of(said["head"]), "seen": head_of(said["seen"])}
    address = Address(sealed_s=fields["sealed_us"] / 1e6, **said)
    for name in ("mark", "giver", "receiver"):
        if expected is not None and getattr(address, name) != getattr(expected, name):
            raise PeerError(f"{name} is {getattr(address, name)!s:.80}, not {getattr(expected, name)!s:.80}")
    return address


def sign_receipt(receipt: Receipt, signer: Ed25519PrivateKey) -> bytes:
    """The signed bytes of a receipt; ACKNOWLEDGED_MAX envelopes at most."""
    assert len(receipt.acknowledged) <= ACKNOWLEDGED_MAX
    lines = [
        {"digest": line.digest.hex(), "epoch": line.epoch, "outcome": line.outcome.value, "sequence": line.sequence}
        for line in receipt.acknowledged
    ]
    fields = address_fields(receipt.address) | {"acknowledged": lines}
    return dsse.signed(RECEIPT, canonical.written(fields), signer)


def open_receipt(data: bytes, keys: Keys, expected: Addressed | None = None) -> Receipt:
    """A partner's receipt, checked. Raises PeerError; VersionMismatch where it speaks another schema."""
    fields = _fields(dsse.opened(RECEIPT, data, keys)[0], RECEIPT_FIELDS, "the receipt")
    lines = tuple(
        Acknowledgement(
            epoch=line["epoch"], sequence=line["sequence"], digest=bytes.fromhex(line["digest"]),
            outcome=Outcome(line["outcome"]),
        )
        for line in fields["acknowledged"]
    )  # fmt: skip
    return Receipt(address=address_of(fields, expected), acknowledged=lines)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a signed word proves of two ledgers: the speaker's head, and the head it saw of the other's.

    Of which ledgers: a side that begins a new epoch begins a new one. And of which exchange.
    """

    speaker: str
    listener: str
    sealed_s: float
    head: Head
    seen: Head
    epoch: int | None = None  # the speaker's, whose ledger has the head; None: not known
    of: int | None = None  # the listener's, whose ledger had the one that was seen; None: the word does not say
    marking: str = ""  # of every message of the exchange: exercise or simulated
    origin: str = ""  # from which times count, ISO 8601 in UTC
    agreement: str = ""  # digest


def evidence(data: bytes, keys: Keys) -> Evidence:
    """The heads in an envelope or a receipt that one of these keys signed. Raises PeerError."""
    kind = dsse.kind_of(data, (message.KIND, RECEIPT))
    if kind is message.KIND:
        header = message.peek(data, keys)
        return Evidence(
            speaker=header.giver, listener=header.receiver, sealed_s=header.sealed_s, head=header.head,
            seen=EMPTY_HEAD, epoch=header.epoch, marking=header.mark.name.lower(), origin=header.origin,
            agreement=header.agreement,
        )  # fmt: skip
    receipt = open_receipt(data, keys)
    of = receipt.acknowledged[0].epoch if receipt.acknowledged else None
    return evidence_of(receipt.address, of)


def evidence_of(said: Address, of: int | None) -> Evidence:
    """The heads in a word that begins so, to a listener in epoch ``of``."""
    return Evidence(
        speaker=said.giver, listener=said.receiver, sealed_s=said.sealed_s, head=said.head, seen=said.seen,
        epoch=said.epoch, of=of, marking=said.mark.name.lower(), origin=said.origin, agreement=said.agreement,
    )  # fmt: skip


def _fields(payload: bytes, shape: Any, what: str) -> dict[str, Any]:
    """The checked fields of a payload."""
    return canonical.read(
        payload, shape, what, schema=SCHEMA, bytes_max=BYTES_MAX, brackets_max=BRACKETS_MAX
    )  # fmt: skip
