"""Keys and certificates: a demonstration PKI made, and a side's own read. Each side is its own authority.

A side's folder holds what only it may read; ``public`` holds what it gives to its partners. Good enough for an
exercise on machines that are trusted; docs/security.md says what a real one would do otherwise.
"""

import os
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509.oid import NameOID

from detente.centre.exchange.offsets import SECRET_BYTES, Secret
from detente.records.errors import InputError

PRIVATE = ("signing.key", "tls.key", "authority.key", "offsets.secret", "operator.token")
VALID_DAYS = 90


def make_keys(folder: Path, sides: Sequence[str], now: datetime) -> list[Path]:
    """A demonstration PKI for these sides; the files made. Nothing that exists is overwritten (InputError)."""
    made: list[Path] = []
    there = [folder / side for side in sides if (folder / side).exists()]
    if there:
        raise InputError(
            found=f"a folder {there[0]} that exists already", expected="a place for new keys",
            remedy="name another folder, or move the old keys away; none are overwritten", file=str(there[0]),
        )  # fmt: skip
    for side in sides:
        made += _make_side(folder / side, folder / "public" / side, side, now)
    return made


def _make_side(private: Path, public: Path, side: str, now: datetime) -> list[Path]:
    private.mkdir(parents=True)
    private.chmod(0o700)
    public.mkdir(parents=True)
    signing, authority, tls = Ed25519PrivateKey.generate(), _elliptic(), _elliptic()
    root = _certificate(f"{side} authority", authority, f"{side} authority", authority, now, authority_of_all=True)
    leaf = _certificate(side, tls, f"{side} authority", authority, now, authority_of_all=False)
    contents = {
        private / "signing.key": _private_pem(signing),
        private / "tls.key": _private_pem(tls),
        private / "tls.pem": leaf.public_bytes(serialization.Encoding.PEM),
        private / "authority.key": _private_pem(authority),
        private / "offsets.secret": secrets.token_hex(SECRET_BYTES).encode() + b"\n",
        private / "operator.token": secrets.token_urlsafe(24).encode() + b"\n",
        public / "signing.pub": signing.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
        public / "authority.pem": root.public_bytes(serialization.Encoding.PEM),
        public / "tls.pem": leaf.public_bytes(serialization.Encoding.PEM),
    }
    for path, content in contents.items():
        mode = 0o600 if path.name in PRIVATE else 0o644
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
            stream.write(content)
    return list(contents)


def _elliptic() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _private_pem(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )  # fmt: skip


def _certificate(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey, now: datetime, *,
    authority_of_all: bool,
) -> x509.Certificate:  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.BasicConstraints(ca=authority_of_all, path_length=0 if authority_of_all else None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
    )
    if authority_of_all:
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = builder.add_extension(usage, True)
    else:
        names = [x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
    return builder.sign(signer, hashes.SHA256())


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """A side's own signing key."""
    try:
        key = serialization.load_pem_private_key(_bytes(path), None)
    except (ValueError, TypeError) as error:
        raise _not_a_key(path, "an Ed25519 private key in PEM") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _not_a_key(path, "an Ed25519 private key in PEM")
    return key


def read_public_key(path: Path) -> Ed25519PublicKey:
    """A partner's signing key, bare or in a certificate."""
    content = _bytes(path)
    try:
        if b"BEGIN CERTIFICATE" in content:
            key = x509.load_pem_x509_certificate(content).public_key()
        else:
            key = serialization.load_pem_public_key(content)
    except ValueError as error:
        raise _not_a_key(path, "an Ed25519 public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise _not_a_key(path, "an Ed25519 public key in PEM")
    return key


def read_secret(path: Path) -> Secret:
    """What a side's coarsening offsets are keyed with."""
    text = _bytes(path).decode("ascii", "replace").strip()
    if not re.fullmatch(f"[0-9a-fA-F]{{{2 * SECRET_BYTES}}}", text):
        raise _not_a_key(path, f"{2 * SECRET_BYTES} hexadecimal digits")
    return Secret(bytes.fromhex(text))


def read_token(path: Path) -> str:
    """What an operator shows to be heard."""
    text = _bytes(path).decode("ascii", "replace").strip()
    if len(text) < 16:
        raise _not_a_key(path, "a token of at least 16 characters")
    return text


def certificate_name(path: Path) -> str:
    """Whom a certificate names. Raises InputError where it is none, or is not valid today."""
    try:
        certificate = x509.load_pem_x509_certificate(_bytes(path))
    except ValueError as error:
        raise _not_a_key(path, "a certificate in PEM") from error
    now = datetime.now(UTC)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise InputError(
            found=f"a certificate valid from {certificate.not_valid_before_utc} to {certificate.not_valid_after_utc}",
            expected="one that is valid today", remedy="make new certificates, or mend this machine's clock",
            file=str(path),
        )  # fmt: skip
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def only_issuer(certificate: Path, authority: Path) -> bool:
    """True where an authority's file names nobody but who issued a certificate. Raises InputError where it is none."""
    try:
        issuers = x509.load_pem_x509_certificates(_bytes(authority))
    except ValueError as error:
        raise _not_a_key(authority, "an authority's certificate in PEM") from error
    issued = x509.load_pem_x509_certificate(_bytes(certificate))
    return all(_issued_by(issued, issuer) for issuer in issuers)


def _issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()[:100_000]
    except OSError as error:
        raise InputError(
            found=f"a file that cannot be read: {error.strerror}", expected="a key or certificate",
            remedy="check the path and the permissions, or make keys with `detente keys`", file=str(path),
        ) from error  # fmt: skip


def _not_a_key(path: Path, expected: str) -> InputError:
    return InputError(
        found="something else", expected=expected, remedy="name the right file; `detente keys` makes such files",
        file=str(path),
    )  # fmt: skip
