"""Trust in partners: what bears comparison is believed, what does not is found out, and nothing own is touched."""

from dataclasses import replace

import numpy as np
import pytest
from tests import made_picture as made

from detente.centre.picture import trust as trusting
from detente.centre.picture.estimates import empty_estimates
from detente.centre.picture.partner import receive, start_partner
from detente.centre.picture.trust import Suspicion, TrustSettings
from detente.geodesy._kernels import geodetic_to_ecef
from detente.records.slots import DetectionKind, SensorSuite
from detente.records.stages import Messages

TERRITORIES = made.territories()
SETTINGS = TrustSettings()
LOWER = np.tril_indices(6)
TICK_S, SPREAD = 5.0, made.covariance(400.0, 8.0)
SLOTS = 8


def suite(rows=1):
    """Our radar, theirs beside it, and a satellite of ours over the Indian Ocean that watches all it sees."""
    n, radar, infrared = 3, int(DetectionKind.RADAR), int(DetectionKind.INFRARED)
    each = np.ones((rows, n))
    orbit = np.zeros((rows, n, 6))
    orbit[:, 2] = (42_164e3, 0.0, 0.0, 0.0, np.radians(60.0), 0.0)
    return SensorSuite(
        kind=np.array([radar, radar, infrared], np.uint8), side=np.array([made.WEST, made.EAST, made.WEST]),
        owner=np.zeros(n, np.int64), owners=("AAA",), names=("ours", "theirs", "satellite"),
        lat_rad=np.radians([38.0, 38.5, 0.0]), lon_rad=np.radians([44.0, 44.5, 0.0]), height_m=np.zeros(n),
        boresight_rad=np.full(n, np.radians(90.0)), sector_half_width_rad=np.full(n, np.radians(80.0)),
        elevation_min_rad=np.full(n, np.radians(2.0)), elevation_max_rad=np.full(n, np.radians(85.0)),
        watch_rad=np.array([[-np.pi / 2, np.pi / 2, -np.pi, np.pi]] * n), grazing_m=np.full(n, 10e3), orbit=orbit,
        revisit_s=10.0 * each, offset_s=0.0 * each, reference_range_m=3000e3 * each, reference_snr=30.0 * each,
        instrumented_range_m=3000e3 * each, false_alarm_probability=1e-6 * each, false_plots_per_scan=0.0 * each,
        detection_probability=0.95 * each, cloud_top_m=10e3 * each, sigma_range_m=50.0 * each,
        sigma_azimuth_rad=1e-3 * each, sigma_elevation_rad=1e-3 * each,
    )  # fmt: skip


def flock(count, lon_deg=48.0):
    """States far apart in the radar's view."""
    return np.array([made.state(lat_deg=35.5 + 1.0 * k, lon_deg=lon_deg + 0.3 * k) for k in range(count)])


class Watching:
    """One side watching another, tick by tick; ``rows`` alike. Tracks stand still, and are told anew each tick."""

    def __init__(self, rows=1, settings=SETTINGS, **columns):
        self.rows, self.settings, self.columns = rows, settings, columns
        self.watch = trusting.watch_of(suite(rows))
        self.partner = start_partner(rows, SLOTS, 2)
        self.trust = trusting.start_trust(rows, SLOTS, SLOTS, 2)
        self.now_s = 0.0
        self.promised_s = np.full((rows, SLOTS, 2), -1.0)
        self.declared = np.zeros((rows, 3), np.uint8)
        self.estimates = empty_estimates(rows, SLOTS, 2)

    def tick(self, own, told, spread=SPREAD, said_spread=SPREAD, **changes):
        """``own`` (n, 6) are own tracks; ``told`` (R, m, 6) what the partner says of as many."""
        self.now_s += TICK_S
        tracks = made.tracks(
            own, [spread] * len(own), time_s=self.now_s, slots=SLOTS, rows=self.rows,
            **(
                {"hits": np.full((self.rows, SLOTS), 9), "born_s": np.zeros((self.rows, SLOTS))}
                | self.columns | changes
            ),
        )  # fmt: skip
        told = np.broadcast_to(told, (self.rows, *np.shape(told)[-2:]))
        messages = [
            made.message(state, said_spread, number=k + 1, valid_s=self.now_s, released_s=self.now_s, replicate=row)
            for row in range(self.rows) for k, state in enumerate(told[row])
        ]  # fmt: skip
        columns = {name: np.array([m[name] for m in messages], spec.dtype) for name, spec in Messages.columns()}
        table = Messages(**columns) if messages else Messages.empty()
        offsets = np.searchsorted(table.replicate, np.arange(self.rows + 1))
        self.partner = receive(self.partner, table, offsets, made.WEST, TERRITORIES, self.now_s)
        self.trust = trusting.judge(
            self.trust, tracks, self.estimates, self.partner, self.watch, made.WEST, self.promised_s, self.declared,
            np.broadcast_to(self.watch.sectors, (self.rows, 3, 5)).copy(), self.settings,
        )  # fmt: skip
        return tracks

    def suspicion(self):
        return Suspicion(int(self.trust.suspected[0, made.EAST]))


def drawn(rng, states, spread, rows):
    return states + rng.multivariate_normal(np.zeros(6), spread, (rows, len(states)))


def test_an_honest_partner_is_not_suspected_more_often_than_is_stated():
    rng, watching, true = np.random.default_rng(1), Watching(rows=60), flock(6)
    every = int(SETTINGS.compare_every_s / TICK_S)
    for _ in range(30):
        own, told = true, drawn(rng, true, 2 * SPREAD, 60)  # the difference has both tracks' errors
        for _ in range(every):
            watching.tick(own, told)
    compared = int(watching.trust.counts[:, made.EAST, 0].sum())
    assert compared >= 60 * 6 * 28
    assert np.count_nonzero(watching.trust.suspected) <= 1, "once in e^11.5 = 100,000 comparisons, by Lorden's bound"
    assert watching.trust.counts[:, made.EAST, 3].sum() == 0


def test_errors_that_last_as_long_as_their_tracks_count_once():
    """In the coast a track that starts somewhat farther off than it states stays so: that is found again and again."""
    rng, true = np.random.default_rng(4), flock(6)
    turned = rng.normal(size=(6, 6))
    turned *= np.sqrt(13.0) / np.linalg.norm(turned, axis=1, keepdims=True)  # d² of 13: of 6 numbers, one in 23
    watching, told = Watching(), true + turned @ np.linalg.cholesky(2 * SPREAD).T
    for _ in range(80):
        watching.tick(true, told)
    assert watching.trust.counts[0, made.EAST, 0] == 6 * 20
    assert watching.trust.evidence[0, made.EAST, 0] == pytest.approx(6 * (0.375 * 13.0 - 3.0 * np.log(4.0)))
    assert watching.suspicion() == Suspicion(0)


def test_a_salvo_whose_plots_were_exchanged_is_one_witness():
    """Six tracks, 11 km from one to the next, all wrong: as much as one says. The same ones far apart convict."""
    for apart, expected in ((0.1, Suspicion(0)), (1.0, Suspicion.DISAGREEMENT)):
        watching, true = Watching(), flock(6)
        true = true[0] + apart * (true - true[0])
        for _ in range(40):
            watching.tick(true, true + np.array([0.0, 0.0, 0.0, 60.0, 0.0, 0.0]))
        assert watching.suspicion() & Suspicion.DISAGREEMENT == expected
        assert watching.trust.counts[0, made.EAST, 0] >= 12


def test_a_partner_that_is_too_sure_of_itself_is_found_out():
    rng, watching, true = np.random.default_rng(2), Watching(rows=20), flock(6)
    for _ in range(12):
        for _ in range(4):
            watching.tick(true, drawn(rng, true, 5 * SPREAD, 20), SPREAD, 0.01 * SPREAD)  # its own error: 4 × SPREAD
    assert np.all(watching.trust.suspected[:, made.EAST] & Suspicion.DISAGREEMENT != 0)


def test_tracks_that_are_displaced_are_found_out_and_two_alone_convict_nobody():
    for count, expected in ((2, Suspicion(0)), (3, Suspicion.DISAGREEMENT)):
        watching, true = Watching(), flock(count)
        moved = true + np.array([0.0, 0.0, 20_000.0, 0.0, 0.0, 0.0])
        for _ in range(40):
            watching.tick(true, moved)
        assert watching.suspicion() & Suspicion.DISAGREEMENT == expected
        assert watching.trust.counts[0, made.EAST, 1] > 0


def test_a_slow_drift_is_found_out_before_it_is_large():
    watching, true = Watching(), flock(4)
    for tick in range(60):
        drift = 30.0 * TICK_S * tick
        watching.tick(true, true + np.array([0.0, 0.0, drift, 0.0, 0.0, 30.0]))
        if watching.suspicion():
            break
    assert watching.suspicion() == Suspicion.DISAGREEMENT
    assert drift <= 10_000.0


def test_ghosts_where_own_radars_look_are_found_out_and_elsewhere_they_are_not():
    for lon_deg, expected in ((48.0, Suspicion.GHOSTS), (30.0, Suspicion(0))):  # before the radar, and behind it
        watching, ghosts = Watching(), flock(4, lon_deg)
        for _ in range(30):
            watching.tick(np.empty((0, 6)), ghosts)
        assert watching.suspicion() == expected


def test_a_vague_ghost_is_found_out_where_own_radars_watch_all_of_its_ellipsoid():
    for spread_m, expected in ((12_000.0, Suspicion.GHOSTS), (200_000.0, Suspicion(0))):
        watching, ghosts = Watching(), flock(4)
        for _ in range(30):
            watching.tick(np.empty((0, 6)), ghosts, said_spread=made.covariance(spread_m, 50.0))
        assert watching.suspicion() == expected
    for spread_m, ghosts in ((400.0, 3), (30_000.0, 2)):  # of one, the middle is watched, and two sigmas are not
        edge = Watching()
        edge.watch.sectors[0, 1] = np.radians(30.0)
        for _ in range(30):
            edge.tick(np.empty((0, 6)), flock(4), said_spread=made.covariance(spread_m, 50.0))
        assert edge.trust.counts[0, made.EAST, 3] == ghosts


def test_a_bias_is_found_out_by_tracks_that_satellites_see():
    """No radar on our side: own tracks are too vague to be compared, and yet no two match."""
    true, vague = flock(7), made.covariance(4_000.0, 60.0)
    for north_m, expected in ((0.0, Suspicion(0)), (25_000.0, Suspicion.MISMATCHES)):
        watching = Watching(sensors=np.full((1, SLOTS), 4, np.uint64))
        for _ in range(6):
            watching.tick(true, true + np.array([0.0, 0.0, north_m, 0.0, 0.0, 0.0]), vague, SPREAD)
        assert watching.suspicion() == expected
        assert watching.trust.counts[0, made.EAST, 6 if north_m == 0.0 else 7] == 7
        assert watching.trust.counts[0, made.EAST, 0] == 0


def test_in_reentry_no_meeting_counts():
    watching, true = Watching(), flock(7)
    for _ in range(10):
        watching.tick(true, true + np.array([0.0, 0.0, 8_000.0, 0, 0, 0]), phase=np.full((1, SLOTS), 3, np.uint8))
    assert watching.trust.counts[0, made.EAST, 6:].tolist() == [0, 0]


def test_a_ghost_that_an_own_track_may_explain_is_none():
    watching, ghosts = Watching(), flock(4)
    for _ in range(30):
        watching.tick(ghosts + 100.0, ghosts, status=np.array([[1] * 4 + [0] * 4], np.uint8))  # tentative ones
    assert watching.suspicion() == Suspicion(0)
    assert watching.trust.counts[0, made.EAST, 3] == 0


@pytest.mark.parametrize(
    ("declared", "promised", "expected"),
    [(1, 20.0, Suspicion.SILENCE), (0, 20.0, Suspicion(0)), (1, -1.0, Suspicion(0))],
)
def test_silence_counts_where_it_was_declared_and_promised(declared, promised, expected):
    watching, true = Watching(), flock(4)
    watching.declared[:, 1] = declared
    watching.promised_s[:, :, made.EAST] = promised
    for _ in range(60):
        watching.tick(true, np.empty((0, 6)))
    assert watching.suspicion() == expected
    assert (watching.trust.counts[0, made.EAST, 5] >= 2) == bool(expected)


def launched(watching, lat_deg, own_start=None, until=40):
    """Launch warnings of one moment, told at once; own tracks began where ``own_start`` says, if they did."""
    start = np.zeros((1, SLOTS, 3))
    own = np.empty((0, 6))
    if own_start is not None:
        own = flock(4)
        start[0, :4] = [geodetic_to_ecef(np.radians(one), np.radians(48.0), 10e3) for one in own_start]
    for _ in range(until):
        watching.now_s += TICK_S
        messages = [
            made.warning(
                launch=(np.radians(lat), np.radians(48.0), 10.0, 10e3), number=k + 1, data=1, valid_s=watching.now_s
            )
            for k, lat in enumerate(lat_deg)
        ]
        table, offsets = made.table(*messages)
        watching.partner = receive(watching.partner, table, offsets, made.WEST, TERRITORIES, watching.now_s)
        tracks = made.tracks(
            own, [SPREAD] * len(own), time_s=watching.now_s, slots=SLOTS, start_ecef_m=start,
            born_s=np.full((1, SLOTS), 40.0),
        )  # fmt: skip
        watching.trust = trusting.judge(
            watching.trust, tracks, watching.estimates, watching.partner, watching.watch, made.WEST,
            watching.promised_s, watching.declared, np.zeros((1, 3, 5)), watching.settings,
        )  # fmt: skip
    return watching.suspicion()


def test_launches_that_own_satellites_ought_to_have_seen():
    surely = SETTINGS._replace(burning_s=80.0)  # one satellite's looks are then enough
    places = (34.0, 35.0, 36.0, 37.0)
    assert launched(Watching(settings=surely), places) == Suspicion.GHOSTS
    assert launched(Watching(settings=surely), places, own_start=places) == Suspicion(0)
    assert launched(Watching(settings=surely), places, own_start=(-34.0, -35.0, -36.0, -37.0)) == Suspicion.GHOSTS
    assert launched(Watching(settings=SETTINGS), places) == Suspicion(0), "three looks of one satellite prove nothing"
    mixed = (34.0, -34.0, 35.0, -35.0, 36.0, -36.0, 37.0, -37.0)  # four began here, and four did not
    assert launched(Watching(settings=surely), mixed, own_start=places) == Suspicion(0)
    hidden = Watching(settings=surely)
    hidden.watch = hidden.watch._replace(boxes=np.radians([[-90.0, 90.0, -180.0, 180.0]] * 2 + [[-60, 20, 0, 90]]))
    assert launched(hidden, places) == Suspicion(0)


def test_who_is_suspected_is_left_out_until_pardoned():
    watching, true = Watching(), flock(4)
    for _ in range(40):
        watching.tick(true, true + np.array([0.0, 0.0, 20_000.0, 0.0, 0.0, 0.0]))
    assert watching.trust.suspected_s[0, made.EAST] > 0.0
    shown = trusting.believed(watching.partner, watching.trust)
    assert watching.partner.status.any()
    assert not shown.status.any()
    assert not shown.mean.any()
    assert not shown.has_state.any()
    forgiven = trusting.pardon(watching.trust, made.EAST)
    assert trusting.believed(watching.partner, forgiven) is watching.partner
    assert forgiven.evidence[0, made.EAST].tolist() == [0.0] * 4
    assert forgiven.suspected_s[0, made.EAST] == -1.0


def test_a_row_is_judged_as_it_would_be_alone():
    rng, true = np.random.default_rng(5), flock(5)
    told = [drawn(rng, true, 8 * SPREAD, 3) for _ in range(40)]
    together, alone = Watching(rows=3), Watching()
    for one in told:
        together.tick(true, one)
        alone.tick(true, one[1:2])
    for name in ("evidence", "counts", "suspected", "line_memory", "track_memory"):
        assert np.array_equal(getattr(together.trust, name)[1], getattr(alone.trust, name)[0]), name


def test_judging_changes_nothing_that_it_is_given():
    watching, true = Watching(), flock(3)
    tracks = watching.tick(true, true + 5_000.0)
    before = replace(watching.trust), tracks.mean.copy(), watching.partner.held.copy()
    watching.tick(true, true + 5_000.0)
    assert np.array_equal(before[1], tracks.mean)
    assert not np.array_equal(before[2], watching.partner.held)
    assert [before[0].time_s, watching.trust.time_s] == [TICK_S, 2 * TICK_S]
    with pytest.raises(ValueError, match="read-only"):
        watching.trust.evidence[0] = 1.0
