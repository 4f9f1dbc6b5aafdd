"""Notes: what two gateways say of their line. Who is there, what is held, what will never come. Signed, strictly read.

Envelopes carry data and receipts acknowledge it (:mod:`detente.centre.exchange.statement`); a note may be lost or come
twice without harm, because each tells all that its sender knows, and the highest ordinal counts.
"""

from dataclasses import dataclass
from enum import Enum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detente.centre.exchange import canonical, dsse, message, statement
from detente.centre.exchange.dsse import Keys, Kind
from detente.centre.exchange.message import SCHEMA
from detente.centre.exchange.statement import (
    ADDRESS_FIELDS,
    Address,
    Addressed,
    Evidence,
    address_fields,
    address_of,
    evidence_of,
)

SEQUENCES_MAX = 512  # listed in one note
BYTES_MAX = 131_072
BRACKETS_MAX = SEQUENCES_MAX + 8
NOTE = Kind(mark=b"DTNNOT01", payload_type="application/vnd.detente.note", payload_bytes_max=BYTES_MAX)


class Word(Enum):
    """What a note is for."""

    HELLO = "hello"  # the first on a line
    PULSE = "pulse"  # still there
    CLOSED = "closed"  # sequences of mine that will never come
    REFUSED = "refused"  # yours cannot be read, or not under this agreement; ``said`` tells why


@dataclass(frozen=True, kw_only=True, slots=True)
class Gone:
    """An envelope that was accepted for sending and closed without delivery."""

    sequence: int
    digest: bytes
    reason: str


@dataclass(frozen=True, kw_only=True)
class Note:
    """One note. Sequences ``of`` an epoch of the receiver's: all those before ``below`` are held, and ``beyond``."""

    address: Address
    word: Word
    heard: bool  # a hello of the receiver's came on this line
    paused: bool  # the sender's operator holds the exchange
    withdrawn: bool  # the sender has left the agreement
    base: int  # lowest sequence of the sender's that may still come
    of: int
    below: int
    beyond: tuple[int, ...] = ()
    echo: tuple[float, ...] = ()  # (the receiver's time in its last note, the sender's time when that came)
    closed: tuple[Gone, ...] = ()
    said: str = ""  # for people


FLAGS = ("heard", "paused", "withdrawn")
NUMBERS = ("base", "of", "below")
FIELDS = (
    ADDRESS_FIELDS
    | {"word": canonical.text_of("|".join(word.value for word in Word)), "said": canonical.text_of(r"[ -~]{0,256}")}
    | dict.fromkeys(FLAGS, canonical.whole(0, 1))
    | dict.fromkeys(NUMBERS, canonical.whole())
    | {
        "beyond": canonical.list_of(canonical.whole(), SEQUENCES_MAX),
        "echo": canonical.list_of(canonical.MICROSECONDS, 2),
        "closed": canonical.list_of(
            canonical.object_of(
                {
                    "digest": canonical.HASH,
                    "reason": canonical.text_of("[a-z]{1,32}"),
                    "sequence": canonical.whole(),
                }
            ),
            SEQUENCES_MAX,
        ),
    }
)


def write(note: Note, signer: Ed25519PrivateKey) -> bytes:
    """The signed bytes of a note."""
    fields = address_fields(note.address) | {
        "word": note.word.value, "said": note.said, "beyond": list(note.beyond),
        "echo": [round(time_s * 1e6) for time_s in note.echo],
        "closed": [
            {"digest": one.digest.hex(), "reason": one.reason, "sequence": one.sequence} for one in note.closed
        ],
    }  # fmt: skip
    fields |= {name: int(getattr(note, name)) for name in (*FLAGS, *NUMBERS)}
    return dsse.signed(NOTE, canonical.written(fields), signer)


def read(data: bytes, keys: Keys, expected: Addressed | None = None) -> Note:
    """A partner's note, checked. Raises PeerError; VersionMismatch where it speaks another schema."""
    fields = canonical.read(
        dsse.opened(NOTE, data, keys)[0], FIELDS, "the note", schema=SCHEMA, bytes_max=BYTES_MAX,
        brackets_max=BRACKETS_MAX,
    )  # fmt: skip
    return Note(
        address=address_of(fields, expected), word=Word(fields["word"]), said=fields["said"],
        beyond=tuple(fields["beyond"]),
        echo=tuple(time_us / 1e6 for time_us in fields["echo"]),
        closed=tuple(
            Gone(sequence=one["sequence"], digest=bytes.fromhex(one["digest"]), reason=one["reason"])
            for one in fields["closed"]
        ),
        **{name: bool(fields[name]) for name in FLAGS}, **{name: fields[name] for name in NUMBERS},
    )  # fmt: skip


def evidence(data: bytes, keys: Keys) -> Evidence:
    """The heads in any signed word, a note among them, that one of these keys signed. Raises PeerError."""
    if dsse.kind_of(data, (message.KIND, statement.RECEIPT, NOTE)) is NOTE:
        note = read(data, keys)
        return evidence_of(note.address, note.of)
    return statement.evidence(data, keys)
