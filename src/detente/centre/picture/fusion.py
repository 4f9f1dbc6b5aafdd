"""Own tracks and partners' tracks made one picture; the own tracks themselves are never touched."""

from enum import IntEnum

import numpy as np

from detente.centre.picture import _kernels_fusion, _kernels_layout, _kernels_rules
from detente.centre.picture.estimates import DEFAULTS, DatedEstimates, empty_estimates, from_lines, ground_of
from detente.centre.picture.partner import KeptPartnerTracks, KeptPicture
from detente.centre.picture.settings import PictureSettings
from detente.geodesy.territory_index import TerritoryIndex
from detente.records.slots import Bytes, Floats, Ints, Masks, Tracks


class Rule(IntEnum):
    """How two states of one object are made one."""

    LAWFUL = _kernels_rules.LAWFUL  # increments where they are licensed and pedigrees allow them, else intersection
    INTERSECTION = _kernels_rules.INTERSECTION  # covariance intersection: nothing need be known of common errors
    INVERSE = _kernels_rules.INVERSE  # inverse covariance intersection: what is common is information both hold
    INCREMENTS = _kernels_rules.INCREMENTS  # as LAWFUL, with every partner's track taken as licensed
    NAIVE = _kernels_rules.NAIVE  # as if nothing were common: the control that tests must catch


def _picture(
    time_s: float, facts: Ints, mean: Floats, covariance: Floats, sensors: Masks, estimates: DatedEstimates,
    tracks: Tracks | None = None, partner: KeptPartnerTracks | None = None,
) -> KeptPicture:  # fmt: skip
    layout = _kernels_layout

    def octets(index: int) -> Bytes:
        return facts[index].astype(np.uint8)

    return KeptPicture(
        time_s=time_s,
        status=octets(layout.LINE_STATUS),
        origin=octets(layout.LINE_ORIGIN),
        giver=facts[layout.LINE_GIVER],
        number=facts[layout.LINE_NUMBER],
        twin=facts[layout.LINE_TWIN],
        has_state=octets(layout.LINE_HAS_STATE),
        mean=mean,
        covariance=covariance,
        phase=octets(layout.LINE_PHASE),
        sensors=sensors,
        estimates=estimates,
        rule=octets(layout.LINE_RULE),
        tracks=tracks,
        partner=partner,
        facts=facts,
    )


def _blank_facts(rows: int, lines: int) -> Ints:
    facts = np.zeros((_kernels_layout.LINE_WIDTH, rows, lines), np.int64)
    facts[_kernels_layout.LINE_TWIN] = -1
    return facts


def _past(previous: KeptPicture | None, tracks: Tracks, partner: KeptPartnerTracks) -> _kernels_layout.Past:
    """What the last picture was made of; the present stands in, unread, where there was none."""
    known, shown, own, told = False, tracks, tracks, partner
    if previous is not None and previous.tracks is not None and previous.partner is not None:
        known, shown, own, told = True, previous, previous.tracks, previous.partner
    return _kernels_layout.Past(
        int(known), float(shown.time_s), shown.mean, shown.covariance, own.mean, own.covariance, own.updated_s,
        told.held, told.mean, told.covariance,
    )  # fmt: skip


def start_picture(rows: int, slots: int, partner_slots: int, sides: int) -> KeptPicture:
    """A picture of nothing, before the first tick."""
    lines = slots + partner_slots
    return _picture(
        0.0,
        _blank_facts(rows, lines),
        np.zeros((rows, lines, 6)),
        np.zeros((rows, lines, 6, 6)),
        np.zeros((rows, lines), np.uint64),
        empty_estimates(rows, lines, sides),
    )


def fuse(
    tracks: Tracks,
    estimates: DatedEstimates,
    partner: KeptPartnerTracks,
    own_side: int,
    territories: TerritoryIndex,
    now_s: float,
    previous: KeptPicture | None = None,
    settings: PictureSettings = DEFAULTS,
    rule: Rule = Rule.LAWFUL,
) -> KeptPicture:
    """What one side knows now: own tracks in slots 0..S-1, partners' in S..S+Q-1, one line for one object.

    A partner's state is brought to ``now_s`` with the noise of its phase, paired one to one with at most one own line
    (or a line of another partner), and combined with it by ``rule``. The lawful one is covariance intersection, because
    two tracks of one object share its unmodelled motion even where their sensors are all different; but where the
    giver licensed it (a tracklet), the pedigrees are known and disjoint and both coast, only what each track has learnt
    since the last picture is added to that picture. The partner's slot of a pair is EMPTY and its ``twin`` points at
    the line that holds the object. A warning without a state pairs by its impact, or by its
    launch where only one missile can be meant. ``previous`` is the picture of the tick before, or None: it steadies
    the pairs and keeps predictions that are not due. The result must never be fed back into a tracker or released.
    """
    rows, slots = tracks.status.shape
    others, sides = partner.status.shape[1], territories.side_count
    lines = slots + others
    assert tracks.time_s == now_s, f"tracks of {tracks.time_s} s fused at {now_s} s"
    assert partner.status.shape[0] == rows
    kept = empty_estimates(rows, lines, sides) if previous is None else previous.estimates
    assert isinstance(kept, DatedEstimates)
    assert kept.threat_probability.shape == (rows, lines, sides)
    facts = _blank_facts(rows, lines)
    before = start_picture(rows, slots, others, sides).facts if previous is None else previous.facts
    mean, covariance = np.zeros((rows, lines, 6)), np.zeros((rows, lines, 6, 6))
    sensors, out = np.zeros((rows, lines), np.uint64), kept.lines.copy()
    sensors[:, :slots] = tracks.sensors
    _kernels_fusion.fuse_rows(
        float(now_s), own_side, sides, tracks.status, tracks.number, tracks.mean, tracks.covariance, tracks.phase,
        tracks.updated_s, partner.held, partner.mean, partner.covariance, partner.sensors, estimates.lines,
        partner.estimates.lines, before, settings, int(rule), _past(previous, tracks, partner), ground_of(territories),
        facts, mean, covariance, sensors, out,
        np.zeros((others, 6)), np.zeros((others, 6, 6)), np.zeros(lines, np.int64), np.zeros((2, lines), np.uint8),
        np.empty(2 * lines * others), np.empty((2 * lines * others, 2), np.int64), np.zeros((10, 6, 6)),
        np.zeros((4, 6)),
    )  # fmt: skip
    return _picture(float(now_s), facts, mean, covariance, sensors, from_lines(out), tracks, partner)


def _rows(
    rule: Rule, mean_a: Floats, covariance_a: Floats, mean_b: Floats, covariance_b: Floats
) -> tuple[Floats, Floats, Floats]:
    means, covariances, weights = np.zeros(mean_a.shape), np.zeros(covariance_a.shape), np.zeros(len(mean_a))
    _kernels_rules.combine_rows(
        int(rule), np.array(mean_a), np.array(covariance_a), np.array(mean_b), np.array(covariance_b), means,
        covariances, weights,
    )  # fmt: skip
    return means, covariances, weights


def covariance_intersection(
    mean_a: Floats, covariance_a: Floats, mean_b: Floats, covariance_b: Floats
) -> tuple[Floats, Floats, Floats]:
    """Combine pairs of states, (n, 6) and (n, 6, 6), whatever their errors have in common.

    Returns means, covariances and the weight of the first of each pair, chosen for the least determinant (S. Julier
    and J. Uhlmann, "A non-divergent estimation algorithm in the presence of unknown correlations", ACC 1997). For
    Gaussians this is Chernoff fusion, though not at the weight of the Chernoff information. Weight -1: not a pair of
    covariances, and zeros.
    """
    return _rows(Rule.INTERSECTION, mean_a, covariance_a, mean_b, covariance_b)


def inverse_covariance_intersection(
    mean_a: Floats, covariance_a: Floats, mean_b: Floats, covariance_b: Floats
) -> tuple[Floats, Floats, Floats]:
    """Combine pairs of states, (n, 6) and (n, 6, 6), that hold some unknown information in common.

    Never wider than covariance intersection, and consistent where all that two errors share is an estimate that went
    into both (B. Noack, J. Sijs, M. Reinhardt, U. Hanebeck, "Decentralized data fusion with inverse covariance
    intersection", Automatica 79, 2017); common motion is not of that kind. Returns as above.
    """
    return _rows(Rule.INVERSE, mean_a, covariance_a, mean_b, covariance_b)


def naive_product(
    mean_a: Floats, covariance_a: Floats, mean_b: Floats, covariance_b: Floats
) -> tuple[Floats, Floats, Floats]:
    """Combine pairs of states, (n, 6) and (n, 6, 6), as if they had no error in common.

    Wrong for tracks of one object: the control that must fail its tests. Returns as :func:`covariance_intersection`,
    with 1 for a weight, or -1 and zeros where either is no covariance.
    """
    return _rows(Rule.NAIVE, mean_a, covariance_a, mean_b, covariance_b)


def add_increments(
    mean: Floats, covariance: Floats, new_mean: Floats, new_covariance: Floats, old_mean: Floats, old_covariance: Floats
) -> tuple[Floats, Floats, Floats]:
    """Add to states (n, 6), (n, 6, 6) what another estimator learnt between its old and its new state.

    Tracklet fusion: the information of the new state less that of the old, brought to the same moment by the same
    motion, is that of the measurements in between (C.-Y. Chong, "Hierarchical estimation", MIT/ONR C3 workshop, 1979;
    O. Drummond, "Tracklets and a hybrid fusion with process noise", SPIE 3163, 1997). Returns means, covariances and 1,
    or -1 and zeros where the new is not the old with something learnt.
    """
    means, covariances, done = np.zeros(mean.shape), np.zeros(covariance.shape), np.zeros(len(mean))
    _kernels_rules.increment_rows(
        np.array(mean), np.array(covariance), np.array(new_mean), np.array(new_covariance), np.array(old_mean),
        np.array(old_covariance), means, covariances, done,
    )  # fmt: skip
    return means, covariances, done
