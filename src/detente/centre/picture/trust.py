"""Whether what a partner tells bears comparison with what own sensors show; and when it should be set aside.

Nothing here reads what really happens, and nothing here touches own tracks, own estimates or own warnings.
"""

from dataclasses import dataclass, replace
from enum import IntFlag

import numpy as np

from detente.centre.picture import _kernels_evidence as kernels
from detente.centre.picture import _kernels_trust, _kernels_watch
from detente.centre.picture._kernels_evidence import TrustSettings, Watch
from detente.centre.picture._kernels_layout import GIVER, STATUS
from detente.centre.picture.estimates import DEFAULTS, DatedEstimates
from detente.centre.picture.partner import KeptPartnerTracks, without
from detente.centre.picture.settings import PictureSettings
from detente.records.slots import Bytes, DetectionKind, Floats, Ints, SensorSuite, Slots, Tracks

__all__ = [
    "COUNTED", "SUSPICIONS", "Suspicion", "Trust", "TrustSettings", "Watch", "believed", "judge", "pardon",
    "start_trust", "watch_of",
]  # fmt: skip

NEVER_S = -1.0
BEGUN_MAX = 256
"""Beginnings of own tracks that a replicate remembers. Source: assumption, 64 to 2,000: several raids' launches."""


class Suspicion(IntFlag):
    """Why a partner is not believed."""

    DISAGREEMENT = 1 << kernels.DISAGREEMENT
    GHOSTS = 1 << kernels.GHOSTS
    SILENCE = 1 << kernels.SILENCE
    MISMATCHES = 1 << kernels.MISMATCHES


SUSPICIONS = {
    Suspicion.DISAGREEMENT: "its tracks lie farther from own ones than the two covariances allow",
    Suspicion.GHOSTS: "it tells of objects that own radars ought to see and do not",
    Suspicion.SILENCE: "it is silent about objects where it says it watches and agreed to tell",
    Suspicion.MISMATCHES: "more of its tracks fail to match the own ones that they meet than honest mistakes explain",
}


COUNTED = (
    "compared", "displaced", "seen_here_too", "not_seen_here", "told", "not_told", "matched", "not_matched",
)  # fmt: skip
"""What is counted of each partner: comparisons, those of them beyond the gate; verdicts on tracks, for and against."""


@dataclass(frozen=True, kw_only=True)
class Trust(Slots):
    """What speaks against each partner so far. R rows, S own slots, Q partners' slots."""

    time_s: float
    began_s: float  # when it began to watch; -1 before. Of launches before, own sensors can say nothing
    evidence: Floats  # (R, sides, 4) natural logarithms of likelihood ratios, by test
    counts: Ints  # (R, sides, 8) by COUNTED
    suspected: Bytes  # (R, sides) Suspicion, kept until pardoned
    suspected_s: Floats  # (R, sides) since when; -1 where not
    line_key: Ints  # (R, Q, 2) giver and number that a slot's memory is about
    line_memory: Floats  # (R, Q, 6)
    line_verdict: Bytes  # (R, Q)
    track_key: Ints  # (R, S)
    track_memory: Floats  # (R, S, sides, 3)
    track_verdict: Bytes  # (R, S, sides)
    begun: Floats  # (R, BEGUN_MAX, 4) where (ECEF, m) and when the latest own tracks began
    noted: Ints  # (R,) the last of them


def start_trust(rows: int, slots: int, partner_slots: int, sides: int) -> Trust:
    """Nothing speaks against anybody."""
    line_memory = np.zeros((rows, partner_slots, kernels.LINE_MEMORY))
    line_memory[..., kernels.COMPARED_S] = line_memory[..., kernels.MET_S] = kernels.NEVER_S
    track_memory = np.zeros((rows, slots, sides, kernels.TRACK_MEMORY))
    track_memory[..., kernels.PROMISED_S] = kernels.NEVER_S
    begun = np.zeros((rows, BEGUN_MAX, 4))
    begun[..., 3] = kernels.NEVER_S
    return Trust(
        time_s=0.0, began_s=NEVER_S, evidence=np.zeros((rows, sides, kernels.TESTS)),
        counts=np.zeros((rows, sides, kernels.COUNTS), np.int64), suspected=np.zeros((rows, sides), np.uint8),
        suspected_s=np.full((rows, sides), NEVER_S), line_key=np.zeros((rows, partner_slots, 2), np.int64),
        line_memory=line_memory, line_verdict=np.zeros((rows, partner_slots), np.uint8),
        track_key=np.zeros((rows, slots), np.int64), track_memory=track_memory,
        track_verdict=np.zeros((rows, slots, sides), np.uint8), begun=begun, noted=np.zeros(rows, np.int64),
    )  # fmt: skip


def watch_of(suite: SensorSuite) -> Watch:
    """The sensors of a suite as this room looks at them; what is stated of a sensor is known to all sides."""
    sites = np.zeros((len(suite.kind), _kernels_watch.SITE_WIDTH))
    _kernels_watch.place_sites(*(np.array(x, float) for x in (suite.lat_rad, suite.lon_rad, suite.height_m)), sites)
    drawn = np.stack(
        [
            suite.revisit_s, suite.reference_range_m, suite.reference_snr, suite.false_alarm_probability,
            suite.instrumented_range_m, suite.detection_probability,
        ], axis=-1,
    )  # fmt: skip
    return Watch(
        sites=sites, drawn=np.ascontiguousarray(drawn, np.float64), sectors=stated_sectors(suite),
        radars=np.uint64(sum(1 << i for i, kind in enumerate(suite.kind) if kind == DetectionKind.RADAR)),
        sides=np.array(suite.side, np.int64), orbits=np.ascontiguousarray(suite.orbit, np.float64),
        boxes=np.array(suite.watch_rad, np.float64), grazing_m=np.array(suite.grazing_m, np.float64),
    )  # fmt: skip


def stated_sectors(suite: SensorSuite) -> Floats:
    """What each sensor watches as it is stated, (n, 5): boresight, half width, lowest, highest (rad), range (m).

    The range is open here: ``Watch.drawn`` has each replicate's. A satellite's row means nothing.
    """
    columns = (
        suite.boresight_rad, suite.sector_half_width_rad, suite.elevation_min_rad, suite.elevation_max_rad,
        np.full(len(suite.kind), np.inf),
    )  # fmt: skip
    return np.stack([np.asarray(column, np.float64) for column in columns], axis=1)


def judge(
    trust: Trust, tracks: Tracks, estimates: DatedEstimates, partner: KeptPartnerTracks, watch: Watch, own_side: int,
    promised_s: Floats, declared: Bytes, sectors: Floats, settings: TrustSettings, picture: PictureSettings = DEFAULTS,
) -> Trust:  # fmt: skip
    """The evidence after one more tick: ``tracks`` and ``estimates`` are own ones of now; ``partner`` what was told.

    ``promised_s`` (R, S, sides): within how long each partner agreed to tell of an own track's object, were it to see
    it; negative where it did not. ``declared`` (R, n) is 1 where a partner's radar was declared up, watching
    ``sectors`` (R, n, 5). What none declared is never missed. A suspicion once raised stays until :func:`pardon`.
    """
    rows, slots = tracks.status.shape
    sides = trust.suspected.shape[1]
    assert promised_s.shape == (rows, slots, sides)
    columns = {
        name: getattr(trust, name).copy()
        for name in (
            "line_key", "line_memory", "line_verdict", "track_key", "track_memory", "track_verdict", "evidence",
            "counts", "begun", "noted",
        )
    }  # fmt: skip
    now_s = float(tracks.time_s)
    began_s = now_s if trust.began_s == NEVER_S else trust.began_s
    _kernels_trust.judge_rows(
        now_s, now_s - max(trust.time_s, began_s), began_s, own_side, tracks.status, tracks.number, tracks.phase,
        tracks.sensors, tracks.hits, tracks.updated_s, tracks.mean, tracks.covariance, tracks.born_s,
        tracks.start_ecef_m, estimates.lines, partner.estimates.lines, partner.held, partner.mean, partner.covariance,
        partner.sensors, promised_s, declared, sectors, watch, settings, picture, *columns.values(),
    )  # fmt: skip
    limits = settings.alarm_disagreement, settings.alarm_unseen, settings.alarm_untold, settings.alarm_mismatches
    alarms = ((columns["evidence"] >= limits) << np.arange(kernels.TESTS)).sum(axis=2).astype(np.uint8)
    new = (alarms != 0) & (trust.suspected == 0)
    return Trust(
        time_s=now_s, began_s=began_s, suspected=trust.suspected | alarms,
        suspected_s=np.where(new, now_s, trust.suspected_s), **columns,
    )  # fmt: skip


def pardon(trust: Trust, side: int) -> Trust:
    """Believe a partner again, and count anew: an operator's word."""
    evidence, suspected, suspected_s = trust.evidence.copy(), trust.suspected.copy(), trust.suspected_s.copy()
    evidence[:, side], suspected[:, side], suspected_s[:, side] = 0.0, 0, NEVER_S
    return replace(trust, evidence=evidence, suspected=suspected, suspected_s=suspected_s)


def believed(partner: KeptPartnerTracks, trust: Trust) -> KeptPartnerTracks:
    """What partners told, without what those told who are suspected: what a picture may be made of."""
    if not trust.suspected.any():
        return partner
    giver = partner.held[GIVER].astype(np.int64)
    doubted = np.take_along_axis(trust.suspected, giver, axis=1) != 0
    return without(partner, doubted & (partner.held[STATUS] != 0))
