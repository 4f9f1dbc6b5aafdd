"""The fingerprint by which two sides know that they signed the same agreement."""

import hashlib
from datetime import UTC

import rfc8785

from detente.scenario.agreement import Agreement


def canonical_form(agreement: Agreement) -> bytes:
    """The agreement as canonical JSON (RFC 8785): what is signed, and what the fingerprint is of.

    The whole model with defaults written out, so that a file that spells a default and one that leaves it out agree.
    Moments are written in UTC: the same instant in another zone is the same.
    """
    model = agreement.model_dump(mode="json")
    for end in ("start", "end"):
        model["valid"][end] = getattr(agreement.valid, end).astimezone(UTC).isoformat()
    return rfc8785.dumps(model)


def digest(agreement: Agreement) -> str:
    """The agreement's fingerprint, 64 hexadecimal digits: SHA-256; any change of meaning changes it."""
    return hashlib.sha256(canonical_form(agreement)).hexdigest()
