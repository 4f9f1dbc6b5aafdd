"""What partners have told us: their messages checked and kept, the newest statement about each of their tracks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detente.centre.picture import _kernels_layout, _kernels_partner
from detente.centre.picture.estimates import DEFAULTS, DatedEstimates, from_lines, ground_of
from detente.centre.picture.settings import PictureSettings
from detente.geodesy.territory_index import TerritoryIndex
from detente.records.errors import PeerError
from detente.records.slots import Bytes, Floats, Ints, Masks, PartnerTracks, Picture, Tracks
from detente.records.stages import Messages

REASONS = {
    _kernels_partner.BAD_ADDRESS: "giver, receiver or track number is not one of this exchange",
    _kernels_partner.BAD_KIND: "data class or phase is unknown, or a warning states neither launch nor impact",
    _kernels_partner.BAD_TIME: "a time is not finite, or speaks of the future",
    _kernels_partner.BAD_STATE: "a state is not finite, or is not near the Earth, or is too fast",
    _kernels_partner.BAD_COVARIANCE: "a covariance is not finite, not positive definite, or of unbelievable size",
    _kernels_partner.BAD_LAUNCH: "a launch statement is not a place and a time, or its sigma is unbelievable",
    _kernels_partner.BAD_IMPACT: "an impact statement is not a place and a time, or its covariance is unbelievable",
}


@dataclass(frozen=True, kw_only=True)
class KeptPartnerTracks(PartnerTracks):
    """Partners' tracks that know how old each part of them is, and how many messages were refused."""

    estimates: DatedEstimates  # (R, Q)
    rejected: Ints  # (R,) messages refused so far
    held: Floats  # (n, R, Q) the columns, and the moments that launch and impact speak of, as kernels read it


@dataclass(frozen=True, kw_only=True)
class KeptPicture(Picture):
    """A picture that knows what it was made of, so that the next can tell what each track has learnt since."""

    rule: Bytes  # (R, S+Q) fusion.Rule that mixed the line's state; 0 where it is one holder's alone
    tracks: Tracks | None
    partner: KeptPartnerTracks | None
    facts: Ints  # (n, R, S+Q) the whole numbers of all lines, as kernels read them


def _from_held(
    held: Floats, mean: Floats, covariance: Floats, sensors: Masks, lines: Floats, overflow: Ints, rejected: Ints
) -> KeptPartnerTracks:
    def octets(index: int) -> Bytes:
        return held[index].astype(np.uint8)

    def integers(index: int) -> Ints:
        return held[index].astype(np.int64)

    layout = _kernels_layout
    return KeptPartnerTracks(
        status=octets(layout.STATUS),
        giver=integers(layout.GIVER),
        number=integers(layout.PARTNER_NUMBER),
        has_state=octets(layout.HAS_STATE),
        valid_s=held[layout.VALID_S],
        received_s=held[layout.RECEIVED_S],
        mean=mean,
        covariance=covariance,
        phase=octets(layout.PHASE),
        sensors=sensors,
        coarsened=octets(layout.COARSENED),
        estimates=from_lines(lines),
        overflow=overflow,
        rejected=rejected,
        held=held,
    )


def start_partner(rows: int, slots: int, sides: int) -> KeptPartnerTracks:
    """Nothing heard yet: room for this many partners' tracks in each of so many rows."""
    return _from_held(
        np.zeros((_kernels_layout.HELD_WIDTH, rows, slots)),
        np.zeros((rows, slots, 6)),
        np.zeros((rows, slots, 6, 6)),
        np.zeros((rows, slots), np.uint64),
        np.zeros((_kernels_layout.THREAT + sides, rows, slots)),
        np.zeros(rows, np.int64),
        np.zeros(rows, np.int64),
    )


def said_columns(messages: Messages) -> Floats:
    """The messages as a kernel reads them, (n, SAID_WIDTH)."""
    m = messages
    single = (
        m.giver, m.receiver, m.data, m.released_s, m.valid_s, m.number, m.phase, m.coarsened,
        m.launch_valid, m.launch_lat_rad, m.launch_lon_rad, m.launch_s, m.launch_sigma_m,
        m.impact_valid, m.impact_lat_rad, m.impact_lon_rad, m.impact_s, m.impact_sigma_s,
    )  # fmt: skip
    said = np.empty((len(m), _kernels_layout.SAID_WIDTH))
    for index, column in enumerate(single):
        said[:, index] = column
    said[:, len(single) : _kernels_layout.SAID_STATE] = m.impact_covariance_m2
    said[:, _kernels_layout.SAID_STATE : _kernels_layout.SAID_COVARIANCE] = m.state
    said[:, _kernels_layout.SAID_COVARIANCE :] = m.covariance
    return said


def canonical_order(messages: Messages, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The order in which messages are applied, whatever the order they arrived in.

    By row, then the moment they speak of, giver, number, data class, release and clause; messages equal in all of
    these, by the rest of their content.
    """
    keys = (
        messages.clause, messages.released_s, messages.data, messages.number, messages.giver, messages.valid_s, rows,
    )  # fmt: skip
    order = np.lexsort(keys)
    table = np.stack([np.asarray(key, np.float64)[order] for key in keys])
    if (table[:, 1:] == table[:, :-1]).all(axis=0).any():
        content = (*said_columns(messages).T, messages.sensors)
        order = np.lexsort((*content, *keys))
    return order.astype(np.int64)


def receive(
    partner: KeptPartnerTracks,
    messages: Messages,
    offsets: NDArray[np.int64],
    own_side: int,
    territories: TerritoryIndex,
    now_s: float,
    settings: PictureSettings = DEFAULTS,
    shown: KeptPicture | None = None,
) -> KeptPartnerTracks:
    """Take in the messages that have arrived, and let go of what has had its time.

    ``messages``: those of row r are offsets[r] to offsets[r + 1]; their order inside a row does not matter. A message
    that cannot be true is counted in ``rejected`` and changes nothing else; one for which there is no room, in
    ``overflow``. No partner takes more than its share of the slots. Whom an impact threatens is worked out here.
    ``shown``: the last picture, or None; where it mixed a partner's state with another, that partner's own impact,
    which nobody would read, is not foretold.
    """
    rows = partner.status.shape[0]
    sides = territories.side_count
    assert len(offsets) == rows + 1
    assert offsets[-1] == len(messages)
    assert partner.estimates.threat_probability.shape[2] == sides
    if not len(messages) and not partner.status.any():
        return partner
    order = canonical_order(messages, np.repeat(np.arange(rows), np.diff(offsets)))
    held, mean, covariance = partner.held.copy(), partner.mean.copy(), partner.covariance.copy()
    sensors, lines = partner.sensors.copy(), partner.estimates.lines.copy()
    overflow, rejected = partner.overflow.copy(), partner.rejected.copy()
    _kernels_partner.receive_rows(
        said_columns(messages), messages.sensors, order, np.array(offsets, np.int64), own_side, sides, float(now_s),
        settings, ground_of(territories), *_shown(partner, shown), held, mean, covariance, sensors, lines,
        overflow, rejected,
    )  # fmt: skip
    return _from_held(held, mean, covariance, sensors, lines, overflow, rejected)


def _shown(partner: KeptPartnerTracks, picture: KeptPicture | None) -> tuple[Ints, Ints, Ints, Bytes]:
    """Whose line stood where in the last picture: giver, number, twin, rule; (R, lines) each."""
    if picture is not None:
        return picture.giver, picture.number, picture.twin, picture.rule
    alone = np.full(partner.giver.shape, -1, np.int64)
    alone.flags.writeable = False
    return partner.giver, partner.number, alone, partner.status


def first_fault(
    messages: Messages, own_side: int, sides: int, now_s: float, settings: PictureSettings = DEFAULTS
) -> tuple[int, str] | None:
    """The first message that :func:`receive` would refuse, by its place, and why; None where it would refuse none."""
    room = np.zeros((6, 6)), np.zeros((6, 6))
    for index, said in enumerate(said_columns(messages)):
        reason = _kernels_partner.fault_of(said, own_side, sides, float(now_s), settings.future_allowed_s, *room)
        if reason != _kernels_partner.SOUND:
            return index, REASONS[reason]
    return None


def check_message(
    messages: Messages, index: int, own_side: int, sides: int, now_s: float, settings: PictureSettings = DEFAULTS
) -> None:
    """Raise :class:`PeerError`, saying why, where one message is one that :func:`receive` would refuse."""
    fault = first_fault(messages.take(np.array([index])), own_side, sides, now_s, settings)
    if fault is not None:
        raise PeerError(
            f"message {index}, track {messages.number[index]} of side {messages.giver[index]}: {fault[1]}"
        )  # fmt: skip


def without(partner: KeptPartnerTracks, dropped: NDArray[np.bool_]) -> KeptPartnerTracks:
    """The same with these lines, (R, Q), empty."""
    if not dropped.any():
        return partner
    held, mean, covariance = partner.held.copy(), partner.mean.copy(), partner.covariance.copy()
    sensors, lines = partner.sensors.copy(), partner.estimates.lines.copy()
    held[:, dropped], lines[:, dropped] = 0.0, 0.0
    mean[dropped], covariance[dropped], sensors[dropped] = 0.0, 0.0, 0
    return _from_held(held, mean, covariance, sensors, lines, partner.overflow, partner.rejected)
