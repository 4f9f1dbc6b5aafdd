"""Signed bytes of a stated kind: DSSE (Secure Systems Lab, "Dead Simple Signing Envelope", v1.0) over Ed25519.

What is signed is DSSE's pre-authentication encoding, which binds the payload to its type, so that bytes signed for one
purpose never pass for another. On our own lines the envelope is a short binary frame, little-endian::

    mark (8 bytes) · key id (32) · Ed25519 signature (64) · payload length (u32) · payload · attached bytes

What is attached is not signed itself: a payload that has bytes attached names their digest, and its reader checks it.

:func:`to_json` and :func:`from_json` turn a frame into DSSE's JSON form and back, for the tools of others (the command
is ``detente envelope``). What is attached goes into a field of its own, which the standard has others ignore. Ed25519
is RFC 8032.
"""

import base64
import binascii
import hashlib
import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from detente.records.errors import PeerError

FRAME = struct.Struct("<8s32s64sI")
STANDARD_ALPHABET = str.maketrans("-_", "+/")

Keys = Mapping[bytes, Ed25519PublicKey]
"""The keys that may have signed, by :func:`key_id`."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of signed bytes."""

    mark: bytes  # first eight bytes of its frame
    payload_type: str
    payload_bytes_max: int
    attached_bytes_max: int = 0


def key_id(key: Ed25519PublicKey) -> bytes:
    """What an envelope calls a key: SHA-256 of its 32 raw bytes."""
    return hashlib.sha256(key.public_bytes_raw()).digest()


def keyring(*keys: Ed25519PublicKey) -> dict[bytes, Ed25519PublicKey]:
    """These keys by their id: what a receiver holds of one partner, two while a key is being replaced."""
    return {key_id(key): key for key in keys}


def envelope_digest(envelope: bytes) -> bytes:
    """What a ledger entry calls an envelope: SHA-256 of all its bytes."""
    return hashlib.sha256(envelope).digest()


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """What is signed instead of the payload alone: DSSE v1's PAE, which no two (type, payload) pairs share."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def signed(kind: Kind, payload: bytes, signer: Ed25519PrivateKey, attached: bytes = b"") -> bytes:
    """The envelope of a payload. The same payload and key give the same bytes."""
    assert len(payload) <= kind.payload_bytes_max, f"{len(payload)} bytes in an envelope for {kind.payload_bytes_max}"
    signature = signer.sign(pre_authentication_encoding(kind.payload_type, payload))
    return FRAME.pack(kind.mark, key_id(signer.public_key()), signature, len(payload)) + payload + attached


def signer_id(kind: Kind, envelope: bytes) -> bytes:
    """The id of the key that an envelope of this kind says signed it: its form is right, and nothing is proved yet.

    What it costs does not depend on how long the bytes are. Raises PeerError for other bytes.
    """
    most = FRAME.size + kind.payload_bytes_max + kind.attached_bytes_max
    if not FRAME.size <= len(envelope) <= most:
        raise PeerError(f"an envelope of {len(envelope)} bytes; {FRAME.size} to {most} are accepted")
    mark, name, _, size = FRAME.unpack_from(envelope)
    if mark != kind.mark:
        raise PeerError(f"not an envelope of this exchange with {kind.payload_type}")
    attached = len(envelope) - FRAME.size - size
    if size > kind.payload_bytes_max or not 0 <= attached <= kind.attached_bytes_max:
        raise PeerError(f"a payload of {size} bytes is announced; {len(envelope) - FRAME.size} came")
    return name


def signer_of(kind: Kind, envelope: bytes, keys: Keys) -> Ed25519PublicKey:
    """Which of these keys an envelope of this kind says signed it; see :func:`signer_id`."""
    key = keys.get(signer_id(kind, envelope))
    if key is None:
        raise PeerError("signed with a key that is not the giver's")
    return key


def opened(kind: Kind, envelope: bytes, keys: Keys) -> tuple[bytes, bytes]:
    """The payload of an envelope of this kind that one of the keys signed, and what is attached to it, unchecked.

    Raises PeerError for any other bytes.
    """
    key = signer_of(kind, envelope, keys)
    _, _, signature, size = FRAME.unpack_from(envelope)
    payload = bytes(envelope[FRAME.size : FRAME.size + size])
    try:
        key.verify(signature, pre_authentication_encoding(kind.payload_type, payload))
    except InvalidSignature:
        raise PeerError("the signature does not hold: forged or altered") from None
    return payload, bytes(envelope[FRAME.size + size :])


def kind_of(envelope: bytes, kinds: Iterable[Kind]) -> Kind:
    """Which of these kinds an envelope says it is; nothing is checked. Raises PeerError where it is none of them."""
    mark = envelope[:8]
    for kind in kinds:
        if kind.mark == mark:
            return kind
    raise PeerError("not an envelope of this exchange")


def to_json(kind: Kind, envelope: bytes) -> str:
    """An envelope of ours in DSSE's JSON form; what is attached in the field ``attached``, which is not signed."""
    _, name, signature, size = FRAME.unpack_from(envelope)
    attached = envelope[FRAME.size + size :]
    signatures = [{"keyid": name.hex(), "sig": base64.b64encode(signature).decode()}]
    document = {
        "payload": base64.b64encode(envelope[FRAME.size : FRAME.size + size]).decode(),
        "payloadType": kind.payload_type, "signatures": signatures,
    }  # fmt: skip
    return json.dumps(document | ({"attached": base64.b64encode(attached).decode()} if attached else {}))


def from_json(kinds: Sequence[Kind], text: str) -> bytes:
    """An envelope of one of these kinds from DSSE's JSON form, nothing checked but its shape. Raises PeerError.

    Of others' tools it may come without what was attached; then the frame holds the signed part alone.
    """
    if len(text) > 2 * max(kind.payload_bytes_max + kind.attached_bytes_max + FRAME.size for kind in kinds):
        raise PeerError(f"a DSSE document of {len(text)} characters")
    try:
        document = json.loads(text)
        (only,) = document["signatures"]
        payload, signature = _unwritten(document["payload"]), _unwritten(only["sig"])
        attached, name = _unwritten(document.get("attached", "")), bytes.fromhex(only["keyid"])
        kind = next((kind for kind in kinds if document["payloadType"] == kind.payload_type), None)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError, binascii.Error):
        raise PeerError("not a DSSE document with one signature") from None
    if kind is None or (len(signature), len(name)) != (64, 32):
        known = " or ".join(kind.payload_type for kind in kinds)
        raise PeerError(f"not a DSSE document with {known} and one Ed25519 signature of a named key")
    return FRAME.pack(kind.mark, name, signature, len(payload)) + payload + attached


def _unwritten(text: str) -> bytes:
    """Base64 in either alphabet: DSSE allows both."""
    return base64.b64decode(text.translate(STANDARD_ALPHABET), validate=True)
