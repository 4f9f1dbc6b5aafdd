"""From a configuration to a gateway that may start: every file read, every doubt told, before a port is opened."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detente.centre.exchange.message import Mark
from detente.centre.exchange.offsets import SECRET_BYTES, Secret
from detente.centre.exchange.signature import refuse_unsigned
from detente.gateway.config import Config, ServeFile, validated
from detente.gateway.files import located_file
from detente.gateway.keys import (
    certificate_name,
    only_issuer,
    read_public_key,
    read_secret,
    read_signing_key,
    read_token,
)
from detente.gateway.logic.limits import Limits
from detente.gateway.logic.link import Gateway, Now
from detente.gateway.signatures import read_signatures
from detente.gateway.store import ledger_share
from detente.gateway.theatre import gateway_of, read_theatre
from detente.geodesy.timescale import format_moment, moment_at
from detente.records.errors import InputError
from detente.records.slots import SensorState
from detente.scenario.agreement import Agreement
from detente.scenario.bundled import bundled
from detente.scenario.located import Located

YEAR_S = 366 * 86_400.0


class Clock:
    """Exercise time: steady while the process lives, whatever the wall clock does; and the wall clock's own opinion."""

    def __init__(self, origin: datetime, rate: float) -> None:
        self.origin_s, self.rate = origin.timestamp(), rate
        self.began_s = (time.time() - self.origin_s) * rate
        self.began_steady_s = time.monotonic()

    @property
    def exercise_s(self) -> float:
        """Exercise seconds since the origin."""
        return self.began_s + (time.monotonic() - self.began_steady_s) * self.rate

    @property
    def now(self) -> Now:
        """The moment of an event."""
        wall_s = (time.time() - self.origin_s) * self.rate
        return Now(steady_s=time.monotonic(), exercise_s=self.exercise_s, wall_s=wall_s, rate=self.rate)


@dataclass(frozen=True, kw_only=True)
class Ready:
    """All that a side's process starts with."""

    config: Config
    gateway: Gateway
    token: str
    clock: Clock
    exercise: Mapping[str, str]  # which one it is, in words: a store belongs to it alone


def prepare(config: Config, clock: Clock | None = None) -> Ready:
    """Read and check all that a configuration names. Raises InputError for anything that the user can mend."""
    file = config.file
    theatre = config.read(("theatre",), file.theatre, read_theatre)
    if file.side not in theatre.names:
        raise config.problem(
            ("side",), f"side {file.side!r}", f"one of {', '.join(theatre.names)}", "name a side of the theatre"
        )
    for index, partner in enumerate(file.partners):
        if partner.name not in theatre.names:
            raise config.problem(
                ("partners", index, "name"), f"partner {partner.name!r}", f"one of {', '.join(theatre.names)}",
                "name a side of the theatre",
            )  # fmt: skip
    signer, secret = _keys(config)
    trusted = {
        partner.name: tuple(
            config.read(("partners", index, "signing", place), path, read_public_key)
            for place, path in enumerate(partner.signing)
        )
        for index, partner in enumerate(file.partners)
    }
    clock = clock or _clock(config, theatre.setting.epoch)
    agreement, located = None, config.located
    if file.agreement is not None and file.signatures is not None:
        named = bundled("agreements", file.agreement)
        located = config.read(("agreement",), file.agreement, lambda path: located_file(named or path))
        agreement = validated(located, Agreement)
        signatures = config.read(("signatures",), file.signatures, read_signatures)
        try:
            refuse_unsigned(agreement, signatures, {**trusted, file.side: (signer.public_key(),)})
        except InputError as error:
            raise config.problem(("signatures",), error.found, error.expected, error.remedy) from error
        _check_agreement(config, agreement, theatre.setting.epoch, clock)
    token = config.read(("keys", "operator"), file.keys.operator, read_token)
    try:
        gateway = gateway_of(
            theatre, file.side, agreement, mark=Mark[file.marking.upper()], signer=signer, keys=trusted,
            secret=secret, quarantine=file.quarantine,
            sensor_states={name: SensorState[state.upper()] for name, state in file.sensors.items()},
            limits=Limits(ledger_entries=ledger_share(file.store_bytes_max, len(file.partners))),
        )  # fmt: skip
    except InputError as error:
        raise _placed(error, config, located) from error
    exercise = {
        "clock origin": file.clock.origin.astimezone(UTC).isoformat(), "clock rate": f"{file.clock.rate:g}",
        "marking": file.marking, "tick length": f"{theatre.tick_s:g} s", "theatre": theatre.title,
    }  # fmt: skip
    gateway = replace(gateway, alone=config.alone)
    return Ready(config=config, gateway=gateway, token=token, clock=clock, exercise=exercise)


def _keys(config: Config) -> tuple[Ed25519PrivateKey, Secret]:
    """What this side signs with and keys its offsets with. A side that runs alone needs neither: it says nothing."""
    if config.alone:
        return Ed25519PrivateKey.generate(), Secret(secrets.token_bytes(SECRET_BYTES))
    _check_certificates(config)
    keys = config.file.keys
    signer = config.read(("keys", "signing"), keys.signing, read_signing_key)
    return signer, config.read(("keys", "offsets"), keys.offsets, read_secret)


def _clock(config: Config, epoch: datetime) -> Clock:
    """The exercise's clock; refused where it is, or in a year will be, at a moment that no calendar has."""
    said = config.file.clock
    clock = Clock(said.origin, said.rate)
    try:
        for ahead_s in (0.0, YEAR_S):
            moment_at(epoch, clock.exercise_s + ahead_s * said.rate)
    except OverflowError as error:
        raise config.problem(
            ("clock",), f"an exercise {clock.exercise_s / YEAR_S:,.0f} years from its epoch, {format_moment(epoch)}",
            "a moment between the years 1 and 9999, now and for a year", "correct the origin, or the rate",
        ) from error  # fmt: skip
    return clock


def _placed(error: InputError, config: Config, agreement: Located) -> InputError:
    """What does not fit the theatre, with its line: a name in the configuration, or a part of the agreement."""
    first, _, rest = error.path.partition(".")
    if first in ServeFile.model_fields:
        return config.problem((first, *filter(None, [rest])), error.found, error.expected, error.remedy)
    parts = tuple(int(part) if part.isdigit() else part for part in error.path.split("."))
    return agreement.problem(parts, error.found, error.expected, error.remedy)


def _check_certificates(config: Config) -> None:
    """Our own certificate names us; and no partner is believed by what our own authority says."""
    file = config.file
    named = config.read(("keys", "tls_certificate"), file.keys.tls_certificate, certificate_name)
    if named != file.side:
        raise config.problem(
            ("keys", "tls_certificate"), f"a certificate of {named!r}", f"one that names {file.side}",
            "name this side's certificate",
        )  # fmt: skip
    own = config.path(file.keys.tls_certificate)
    for index, partner in enumerate(file.partners):
        path = ("partners", index, "authority")
        if config.read(path, partner.authority, lambda authority: only_issuer(own, authority)):
            raise config.problem(
                path, f"the authority that issued {file.side}'s own certificate", f"that of {partner.name}",
                f"name the authority.pem that {partner.name} gave you",
            )  # fmt: skip


def _check_agreement(config: Config, agreement: Agreement, epoch: datetime, clock: Clock) -> None:
    """An agreement that is over, or whose parties this configuration does not know, is refused."""
    now = moment_at(epoch, clock.exercise_s)
    if now >= agreement.valid.end:
        raise config.problem(
            ("agreement",), f"agreement {agreement.name!r}, which ended {format_moment(agreement.valid.end)}",
            f"one in force at {format_moment(now.astimezone(UTC).replace(microsecond=0))} of exercise time",
            "have all parties sign a renewed one",
        )  # fmt: skip
    known = {config.file.side, *(partner.name for partner in config.file.partners)}
    strangers = [party for party in agreement.parties if party not in known]
    if strangers:
        raise config.problem(
            ("partners",), f"no partner {strangers[0]}", f"every other party of agreement {agreement.name!r}",
            "add its keys and address",
        )  # fmt: skip
