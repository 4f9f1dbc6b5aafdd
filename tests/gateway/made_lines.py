"""What both ends of a line are given, and the least that one may say."""

import ssl
from pathlib import Path

from detente.gateway.transport import HEAD, contexts

WORD = HEAD.pack(3, 1) + b"abc"
"""A frame of three bytes."""


def tls(keys: Path, side: str, believes: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A side's contexts, answering and calling; ``believes``: the side whose authority it takes for its partner's."""
    return contexts(keys / side / "tls.pem", keys / side / "tls.key", keys / "public" / believes / "authority.pem")
