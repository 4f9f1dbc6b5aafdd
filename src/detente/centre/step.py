"""A side's warning centre: pure code, ``step(centre, state, inputs, now) -> (state, outputs)``.

A step is two halves. ``observe`` takes the detections of the side's own sensors to own tracks, estimates and warnings;
nothing a partner does can reach it. ``cooperate`` takes what partners told, and what ``observe`` found, to the assisted
picture, its warnings, and what may be released in return. A gateway calls :func:`step`; a study calls the halves,
because the first is the same under every architecture.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detente.centre.exchange.offsets import Secret
from detente.centre.exchange.promise import promised_within
from detente.centre.exchange.release import ReleaseState, initial, release
from detente.centre.exchange.rules import Rules
from detente.centre.exchange.sensor_status import declaration, heard, nothing_declared, parted
from detente.centre.picture.estimates import DatedEstimates, empty_estimates, estimate
from detente.centre.picture.fusion import fuse, start_picture
from detente.centre.picture.partner import KeptPartnerTracks, KeptPicture, receive, start_partner, without
from detente.centre.picture.settings import PictureSettings
from detente.centre.picture.trust import (
    Trust,
    TrustSettings,
    Watch,
    believed,
    judge,
    start_trust,
    watch_of,
)
from detente.centre.picture.warnings import Issued, start_issued, warn_own, warn_picture
from detente.centre.tracking.settings import Settings as TrackingSettings
from detente.centre.tracking.tracker import start, track
from detente.geodesy.territory_index import TerritoryIndex
from detente.records.slots import Picture, SensorState, SensorStatus, SensorSuite, Tracks
from detente.records.stages import Detections, Messages, Releases, Warnings

WARNING_PROBABILITY = 0.5
"""P(impact in a territory) at which it is named in a warning."""

WARNING_PROBABILITY_SOURCE = "assumption (0.1 to 0.9; more likely than not)"

Quarantine = Literal["off", "advise", "automatic"]
"""What a centre does about a partner whose word does not bear comparison with what own sensors show: it does not look;
it looks and says so; it looks, says so, and leaves that partner's word out of its picture."""


@dataclass(frozen=True, kw_only=True)
class Centre:
    """What a centre is set up with, and never changes while it runs."""

    side: int  # whose centre; the number of sides for one that pools everybody's detections
    sides: int
    suite: SensorSuite  # positions and performance as stated; R rows
    territories: TerritoryIndex
    slots: int  # tracks it has room for, in each replicate
    moments: int = 0  # steps that a track remembers for the sake of late detections; none where none can be late
    warning_probability: float = WARNING_PROBABILITY
    tracking: TrackingSettings = field(default_factory=TrackingSettings)
    picture: PictureSettings = field(default_factory=PictureSettings)
    quarantine: Quarantine = "off"  # of partners whose word does not bear comparison
    trust: TrustSettings = field(default_factory=TrustSettings)
    sensor_states: NDArray[np.uint8] | None = None  # (n,) SensorState of own sensors as declared; None: all are up

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """P(impact) that names a side, a number a side."""
        return np.full(self.sides, self.warning_probability)

    @property
    def partner_slots(self) -> int:
        """Room for the tracks of all partners."""
        return (self.sides - 1) * self.slots

    @cached_property
    def watch(self) -> Watch:
        """All radars as stated."""
        return watch_of(self.suite)

    @cached_property
    def own_status(self) -> SensorStatus:
        """What it can say of its own sensors."""
        return declaration(self.suite, self.side, self.sensor_states)

    @cached_property
    def sensors_of(self) -> NDArray[np.uint64]:
        """Bit mask of each side's sensors."""
        masks = [sum(1 << i for i, side in enumerate(self.suite.side) if side == one) for one in range(self.sides)]
        return np.array(masks, np.uint64)


@dataclass(frozen=True, kw_only=True)
class Own:
    """What own sensors alone have shown."""

    tracks: Tracks
    estimates: DatedEstimates
    issued: Issued


@dataclass(frozen=True, kw_only=True)
class Assisted:
    """What partners have told, the picture with it, and the memory of what was released to them."""

    partner: KeptPartnerTracks
    picture: KeptPicture
    issued: Issued
    release: ReleaseState
    rules: Rules
    secret: Secret  # keys the offsets that coarsen; the partner never learns it
    exchanging: bool
    trust: Trust  # what speaks against each partner
    declared: SensorStatus  # what partners have said of their sensors

    @property
    def lines(self) -> int:
        """Lines of the picture."""
        return self.picture.status.shape[1]


@dataclass(frozen=True, kw_only=True)
class State:
    """All that a centre remembers from step to step."""

    own: Own
    assisted: Assisted


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What arrived since the last step; ``offsets`` (R + 1,) bound each replicate's rows."""

    detections: Detections
    detection_offsets: NDArray[np.int64]
    messages: Messages
    message_offsets: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Said:
    """What the cooperating half says in a step."""

    picture: Picture
    warnings: Warnings  # the assisted stream
    messages: Messages  # to partners, under the agreement
    releases: Releases  # every decision with its reason, where recorded


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What a centre says in a step: the own stream, then all that cooperation adds."""

    own_warnings: Warnings
    said: Said


def begin_own(centre: Centre, rows: int) -> Own:
    """A centre's own half that has seen nothing, for R = ``rows`` replicates."""
    return Own(
        tracks=start(rows, centre.slots, centre.moments),
        estimates=empty_estimates(rows, centre.slots, centre.sides),
        issued=start_issued(rows, centre.slots, centre.sides),
    )


def begin_assisted(
    centre: Centre, rules: Rules, replicates: NDArray[np.int64], *, secret: Secret, exchanging: bool
) -> Assisted:
    """A centre's cooperating half that has heard nothing, for ``replicates`` (R,) by their numbers.

    Without an exchange it has no room for partners' tracks.
    """
    rows, others = len(replicates), centre.partner_slots if exchanging else 0
    lines = centre.slots + others
    return Assisted(
        partner=start_partner(rows, others, centre.sides),
        picture=start_picture(rows, centre.slots, others, centre.sides),
        issued=start_issued(rows, lines, centre.sides),
        release=initial(rules, replicates, centre.slots),
        rules=rules,
        secret=secret,
        exchanging=exchanging,
        trust=start_trust(rows, centre.slots, others, centre.sides),
        declared=nothing_declared(rows, len(centre.suite.kind)),
    )


def observe(
    centre: Centre, own: Own, detections: Detections, offsets: NDArray[np.int64], now_s: float
) -> tuple[Own, Warnings]:
    """Own detections to own tracks, estimates and warnings at ``now_s``. The own stream is this and nothing else.

    ``offsets`` (R + 1,) bound each replicate's detections, which are in order of replicate.
    """
    tracks = track(own.tracks, detections, offsets, centre.suite, now_s, centre.tracking)
    estimates = estimate(tracks, own.estimates, centre.territories, centre.picture)
    warnings, issued = warn_own(tracks, estimates, own.issued, centre.thresholds, centre.side, centre.picture)
    return Own(tracks=tracks, estimates=estimates, issued=issued), warnings


def cooperate(
    centre: Centre, own: Own, assisted: Assisted, messages: Messages, offsets: NDArray[np.int64], now_s: float,
    *, record: bool = False, releasing: Callable = release,
) -> tuple[Assisted, Said]:  # fmt: skip
    """Partners' messages and the own half at ``now_s`` to the picture, its warnings, and what is released in return.

    ``offsets`` (R + 1,) bound each replicate's messages. Only own tracks are ever released: what came from a partner,
    alone or fused, goes nowhere. ``releasing`` stands in for :func:`~detente.centre.exchange.release.release`: a
    drill's remembers its answers.
    """
    partner, trust, declared = assisted.partner, assisted.trust, assisted.declared
    if assisted.exchanging:
        messages, offsets, statuses = parted(messages, offsets)
        declared = heard(declared, statuses, centre.suite.side)
        partner = receive(
            partner, messages, offsets, centre.side, centre.territories, now_s, centre.picture, assisted.picture
        )
        trust = _judged(centre, own, partner, declared, assisted)
    shown = believed(partner, trust) if centre.quarantine == "automatic" else partner
    picture = fuse(
        own.tracks, own.estimates, shown, centre.side, centre.territories, now_s, assisted.picture, centre.picture
    )
    warnings, issued, released = Warnings.empty(), assisted.issued, assisted.release
    told, decisions = Messages.empty(), Releases.empty()
    if assisted.exchanging:
        warnings, issued = warn_picture(picture, issued, centre.thresholds, centre.side, centre.picture)
        told, decisions, released = releasing(
            released, own.tracks, own.estimates, assisted.rules, centre.side, own_sensors(centre), assisted.secret,
            now_s, record=record, status=centre.own_status,
        )  # fmt: skip
    after = Assisted(
        partner=partner, picture=picture, issued=issued, release=released, rules=assisted.rules,
        secret=assisted.secret, exchanging=assisted.exchanging, trust=trust, declared=declared,
    )  # fmt: skip
    return after, Said(picture=picture, warnings=warnings, messages=told, releases=decisions)


def let_go(assisted: Assisted, dropped: NDArray[np.bool_]) -> Assisted:
    """The same without these lines of partners', (R, Q): what they told of them may be kept no longer."""
    return replace(assisted, partner=without(assisted.partner, dropped))


def _judged(
    centre: Centre, own: Own, partner: KeptPartnerTracks, declared: SensorStatus, assisted: Assisted
) -> Trust:  # fmt: skip
    """What speaks against each partner after this tick; nothing where nobody asked."""
    if centre.quarantine == "off":
        return assisted.trust
    promised_s = promised_within(own.tracks, own.estimates, assisted.rules, centre.side, centre.sensors_of)
    lately = own.tracks.time_s - declared.stated_s <= centre.trust.declared_kept_s
    watching = ((declared.state == SensorState.UP) & lately).astype(np.uint8)
    return judge(
        assisted.trust, own.tracks, own.estimates, partner, centre.watch, centre.side, promised_s, watching,
        declared.sector, centre.trust, centre.picture,
    )  # fmt: skip


def step(centre: Centre, state: State, inputs: Inputs, now_s: float, *, record: bool = False) -> tuple[State, Outputs]:
    """One step of a whole centre: what a gateway calls."""
    own, own_warnings = observe(centre, state.own, inputs.detections, inputs.detection_offsets, now_s)
    assisted, said = cooperate(
        centre, own, state.assisted, inputs.messages, inputs.message_offsets, now_s, record=record
    )
    return State(own=own, assisted=assisted), Outputs(own_warnings=own_warnings, said=said)


def own_sensors(centre: Centre) -> int:
    """Bit mask of the sensors whose detections this centre hears."""
    return sum(1 << index for index, side in enumerate(centre.suite.side) if side == centre.side)
