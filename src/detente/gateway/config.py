"""One side's `detente serve` configuration: a YAML file, checked whole before anything is opened."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from detente.gateway.files import located_file
from detente.records.errors import InputError
from detente.scenario.complaints import complaints, raise_all
from detente.scenario.located import Located
from detente.scenario.words import Moment, Name, RefusedError, Strict

Model = TypeVar("Model", bound=BaseModel)
EXCHANGE = "agreement", "signatures", "partners", "quarantine"
"""The keys of a configuration that a side which runs alone does not look at."""

Held = TypeVar("Held")


def is_address(text: str) -> bool:
    """True for a host, colon and port that there can be."""
    host, _, port = text.rpartition(":")
    try:
        host.encode("idna")  # as a look-up will: no empty or overlong part
    except UnicodeError:
        return False
    return bool(host) and port.isascii() and port.isdigit() and 0 < int(port) < 65_536


def _address(text: str) -> str:
    if not is_address(text):
        raise RefusedError("an address such as 127.0.0.1:7001", "write host, colon and port", found=repr(text))
    return text


def _loopback(text: str) -> str:
    host = _address(text).rpartition(":")[0].strip("[]")
    try:
        inside = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise RefusedError(
            "an address on this machine, such as 127.0.0.1:7001",
            "listen on loopback; from elsewhere, come through a tunnel", found=repr(text),
        )  # fmt: skip
    return text


Address = Annotated[str, AfterValidator(_address)]
Loopback = Annotated[str, AfterValidator(_loopback)]


class ClockFile(Strict):
    """How exercise time runs: ``origin`` is the UTC moment at which it is 0, ``rate`` exercise seconds a second."""

    origin: Moment
    rate: Annotated[float, Field(gt=0, le=1000)] = 1.0


class KeysFile(Strict):
    """Where this side's own keys are."""

    signing: str
    tls_key: str
    tls_certificate: str
    offsets: str
    operator: str


class FeedFile(Strict):
    """Where own sensors' detections come from: a socket that `detente play` or a sensor net connects to, or a file."""

    listen: Loopback | None = None
    file: str | None = None
    grace_s: Annotated[float, Field(ge=0)] = 5.0  # exercise seconds a tick waits for its detections
    gap_s: Annotated[float, Field(gt=0)] | None = None  # file: a longer silence in it, at its ends too, is refused
    replicate: Annotated[int, Field(ge=0)] | None = None  # file: whose rows are meant, where it holds several

    @model_validator(mode="after")
    def _is_one_of_two(self) -> "FeedFile":
        if (self.listen is None) == (self.file is None):
            raise RefusedError("either listen or file", "give one of the two")
        for name in ("gap_s", "replicate"):
            if self.file is None and getattr(self, name) is not None:
                raise RefusedError("it beside file alone", "leave it out, or name a file", found=name, part=(name,))
        return self


class NatsFile(Strict):
    """Two NATS servers: ours, with the inbox that the partner may only publish to, and the partner's."""

    inbox: Address
    monitor: Loopback
    outbox: Address


class PartnerFile(Strict):
    """A partner: its keys, and which of the two gateways calls the other, or the servers they meet at."""

    name: Name
    signing: Annotated[tuple[str, ...], Field(min_length=1)]  # several while one replaces another
    authority: str
    listen: Address | None = None
    connect: Address | None = None
    nats: NatsFile | None = None

    @model_validator(mode="after")
    def _is_one_of_three(self) -> "PartnerFile":
        if sum(way is not None for way in (self.listen, self.connect, self.nats)) != 1:
            raise RefusedError(
                "one of listen, connect or nats", "give one: one side listens and the other connects, or both use nats"
            )  # fmt: skip
        return self


class ServeFile(Strict):
    """All that `detente serve` is told. Paths are relative to the file."""

    side: Name
    marking: Literal["simulated", "exercise"]
    theatre: str
    agreement: str | None = None  # a bundled name, or a path beside this file
    signatures: str | None = None  # the agreement's signatures; required with an agreement
    store: str
    store_bytes_max: Annotated[int, Field(ge=1_000_000)] = 2_000_000_000
    clock: ClockFile
    keys: KeysFile
    feed: FeedFile
    health: Loopback
    partners: tuple[PartnerFile, ...] = ()
    quarantine: Literal["off", "advise", "automatic"] = "advise"  # of partners whose word does not bear comparison
    sensors: dict[Name, Literal["up", "degraded", "down"]] = Field(default={})  # own ones not up, as partners are told
    until_s: Annotated[float, Field(gt=0)] | None = None  # exercise time at which to stop; never, if left out

    @model_validator(mode="after")
    def _hangs_together(self) -> "ServeFile":
        if (self.agreement is None) != (self.signatures is None):
            raise RefusedError(
                "agreement and signatures together", "give both, or neither for a side that exchanges nothing"
            )  # fmt: skip
        names = [partner.name for partner in self.partners]
        if len(set(names)) < len(names) or self.side in names:
            raise RefusedError("partners with names of their own", "rename or remove one", part=("partners",))
        return self


@dataclass(frozen=True, kw_only=True)
class Config:
    """A configuration and where it stands."""

    file: ServeFile
    located: Located
    folder: Path
    alone: bool = False  # nothing of the exchange's half is looked at

    def path(self, said: str) -> Path:
        """A path of the file's, which counts from the file's folder."""
        return self.folder / said

    def read(self, path: tuple[str | int, ...], said: str, reader: Callable[[Path], Held]) -> Held:
        """What a file that the configuration names holds; what is wrong with it is told with where it is named."""
        try:
            return reader(self.path(said))
        except InputError as error:
            if error.line:
                raise  # it has a better place of its own
            raise self.problem(path, f"{error.file}: {error.found}", error.expected, error.remedy) from error

    def problem(self, path: tuple[str | int, ...], found: str, expected: str, remedy: str) -> InputError:
        """An error about a value in the file."""
        return self.located.problem(path, found, expected, remedy)


def read_config(path: Path, *, alone: bool = False) -> Config:
    """The configuration in a file; InputError (or InputErrors) with line and column for anything wrong with it.

    ``alone``: as if it named no agreement and no partner, whatever stands there.
    """
    located = located_file(path)
    if alone:
        located = replace(located, data={key: said for key, said in located.data.items() if key not in EXCHANGE})
    return Config(file=validated(located, ServeFile), located=located, folder=path.parent, alone=alone)


def validated(located: Located, model: type[Model]) -> Model:
    """What a file says, as a model; every complaint at once."""
    try:
        return model.model_validate(located.data)
    except ValidationError as error:
        raise_all(complaints(error, located, model))
        raise AssertionError("a refusal without a complaint") from error
