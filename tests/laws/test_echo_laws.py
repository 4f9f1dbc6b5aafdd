"""Laws of what comes back: an echo teaches nothing, and a picture that adds increments stays honest about itself."""

import runpy
from pathlib import Path

import numpy as np
from tests import made_picture as made

from detente.centre.picture._kernels_align import carry
from detente.centre.picture.estimates import empty_estimates
from detente.centre.picture.fusion import Rule, fuse, start_picture
from detente.centre.picture.partner import receive, start_partner
from detente.centre.picture.settings import PictureSettings
from detente.flight.prediction import coast
from detente.records.stages import Messages

linear = runpy.run_path(str(Path(__file__).parents[2] / "bench" / "linear_fusion.py"))
GROUND = made.territories()
TRIANGLE = np.tril_indices(6)
TRACK, TRACKLET = 3, 5
# How a track is told of, a row each: with its pedigree or without, as a track or as a licensed tracklet.
TELLINGS = ((True, TRACK), (False, TRACK), (True, TRACKLET), (False, TRACKLET))


class Side:
    """A centre that holds one own track of an object in each row, and hands on all that it knows of it."""

    def __init__(self, side, mean, spread):
        self.side, self.rows = side, len(TELLINGS)
        self.tracks = made.tracks(
            [mean], [spread], rows=self.rows, sensors=np.full((self.rows, 1), 1 << side, np.uint64)
        )
        self.partner, self.picture = start_partner(self.rows, 1, 2), start_picture(self.rows, 1, 1, 2)
        self.nothing = empty_estimates(self.rows, 1, 2)

    def hear(self, messages, rule):
        """Take a message a row and fuse."""
        offsets = np.arange(self.rows + 1)
        self.partner = receive(self.partner, messages, offsets, self.side, GROUND, 0.0)
        self.picture = fuse(self.tracks, self.nothing, self.partner, self.side, GROUND, 0.0, self.picture, rule=rule)

    def tell(self):
        """The line of the picture as a message of our own: just what a centre must not do."""
        rows = self.rows
        shown = self.picture if self.picture.status.any() else self.tracks
        known = np.array([pedigree for pedigree, _ in TELLINGS])
        columns = {name: np.zeros((rows, *spec.shape)) for name, spec in Messages.columns()}
        columns |= {
            "replicate": np.arange(rows), "giver": np.full(rows, self.side), "receiver": np.full(rows, 1 - self.side),
            "data": np.array([data for _, data in TELLINGS]), "number": np.ones(rows), "phase": np.full(rows, 2),
            "sensors": np.where(known, shown.sensors[:, 0], 0), "state": shown.mean[:, 0],
            "covariance": shown.covariance[:, 0][:, TRIANGLE[0], TRIANGLE[1]],
        }  # fmt: skip
        return Messages(**{name: np.asarray(columns[name], spec.dtype) for name, spec in Messages.columns()})


def echo(rounds, rule):
    """A tells B, B tells A, each all that it holds: A's log determinants and source counts after each round, (n, R)."""
    mean = made.state()
    a, b = Side(0, mean, made.covariance(seed=8)), Side(1, mean + 30.0, made.covariance(700.0, 6.0, seed=9))
    sizes, sources, told = [], [], b.tell()
    for _ in range(rounds):
        a.hear(told, rule)
        b.hear(a.tell(), rule)
        told = b.tell()
        sizes.append(np.linalg.slogdet(a.picture.covariance[:, 0])[1])
        sources.append(np.bitwise_count(a.picture.sensors[:, 0]))
    assert (a.partner.rejected == 0).all()
    assert (a.picture.origin[:, 0] == 2).all()
    return np.array(sizes), np.array(sources)


def test_ten_thousand_echoes_between_two_pictures_sharpen_nothing():
    """With pedigrees and with pedigrees stripped, as tracks and as tracklets: what the first rounds gave is all."""
    sizes, sources = echo(10_000, Rule.LAWFUL)
    settled = sizes[3]
    assert np.abs(sizes[3:] - settled).max() < 1e-3
    assert sources[0].tolist() == [2, 1, 2, 1]
    assert (sources == sources[0]).all()


def test_the_naive_product_fails_the_same_test():
    sizes, _ = echo(40, Rule.NAIVE)
    assert (sizes[-1] < sizes[3] - 10.0).all()


class Filter:
    """A plain filter of positions for many runs of one ballistic flight: means (n, 6), a covariance they share.

    Linearised at the truth, so that an honest filter has an ANEES of 6.
    """

    def __init__(self, truth, prior, runs, rng):
        self.mean = truth + rng.normal(size=(runs, 6)) @ np.linalg.cholesky(prior).T
        self.covariance = prior

    def predict(self, truth, dt_s):
        position, velocity = coast(self.mean[:, :3].copy(), self.mean[:, 3:].copy(), np.full(len(self.mean), dt_s))
        self.mean, out = np.hstack([position, velocity]), np.zeros((6, 6))
        carry(truth, self.covariance, dt_s, np.zeros((6, 6)), np.zeros((6, 6)), np.zeros(6), out)
        self.covariance = out

    def look(self, plots, spread):
        self.mean, self.covariance = linear["updated"]((self.mean, self.covariance), (plots, spread))


def ballistic(rule, data, *, runs=150, seconds=60, every_s=5, late_s=2.0):
    """ANEES of the picture at A and its RMSE over a central filter's, from 20 s on: two radars on one falling body.

    B tells every few seconds, and what it tells arrives late. Each picture hears own looks and B's words, and no more.
    """
    rng = np.random.default_rng(5)
    truth, prior = made.state(), made.covariance(2000.0, 60.0)
    a, b = Filter(truth, prior, runs, rng), Filter(truth, prior, runs, rng)
    both = Filter(truth, 0.5 * prior, runs, rng)
    both.mean = 0.5 * (a.mean + b.mean)
    spreads = np.diag([400.0, 400.0, 50.0]) ** 2, np.diag([50.0, 400.0, 400.0]) ** 2
    partner, picture, sent, nothing = start_partner(runs, 1, 2), None, [], empty_estimates(runs, 1, 2)
    settings, nees, off, ideal = PictureSettings(coast_noise_m2_s3=1e-6), [], [], []
    for second in range(1, seconds + 1):
        for held in (a, b, both):
            held.predict(truth, 1.0)
        truth = made.moved(truth, 1.0)
        for held, spread in zip((a, b), spreads):
            plots = truth[:3] + rng.normal(size=(runs, 3)) @ np.sqrt(spread)
            held.look(plots, spread)
            both.look(plots, spread)
        if second % every_s == 0:
            sent.append((second + late_s, [said(b, second, run, data) for run in range(runs)]))
        arrived = sent.pop(0)[1] if sent and sent[0][0] <= second else []
        table, offsets = made.table(*arrived)
        offsets = np.arange(runs + 1) if arrived else np.zeros(runs + 1, np.int64)
        partner = receive(partner, table, offsets, 0, GROUND, float(second), settings)
        tracks = own_tracks(a, second)
        picture = fuse(tracks, nothing, partner, 0, GROUND, float(second), picture, settings, rule)
        if second >= 20:
            error = truth - picture.mean[:, 0]
            nees.append(np.einsum("ni,nij,nj->n", error, np.linalg.inv(picture.covariance[:, 0]), error).mean())
            off.append((error[:, :3] ** 2).sum(axis=1).mean())
            ideal.append(((truth - both.mean)[:, :3] ** 2).sum(axis=1).mean())
    return float(np.mean(nees)), float(np.sqrt(np.mean(off) / np.mean(ideal)))


def said(held, second, run, data):
    """B's word of one run."""
    return made.message(held.mean[run], held.covariance, valid_s=float(second), replicate=run, data=data)


def own_tracks(held, second):
    """A's own tracks, a row a run."""
    runs = len(held.mean)
    tracks = made.tracks([held.mean[0]], [held.covariance], time_s=float(second), rows=runs)
    return made.replaced(tracks, mean=held.mean[:, None, :])


def test_a_picture_that_adds_increments_is_nearly_as_good_as_can_be_and_knows_it():
    """Two independent filters of one motion without noise have nothing in common: here, and only here, the plain
    product is right, and all that words two to seven seconds old allow. Increments come near; intersection knows less.
    """
    nees, ratio = ballistic(Rule.LAWFUL, TRACKLET)
    product, best = ballistic(Rule.NAIVE, TRACK)
    cautious, _ = ballistic(Rule.LAWFUL, TRACK)
    assert 5.45 < nees < 6.55  # the 95 % band of 150 runs
    assert 5.45 < product < 6.55
    assert ratio < 1.06 * best
    assert cautious < 4.0
