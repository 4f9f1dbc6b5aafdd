"""Laws of the picture: fusion never invents certainty, messages' order does not matter, all is numbers."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import made_picture as made

from detente.centre.picture.estimates import estimate
from detente.centre.picture.fusion import covariance_intersection, fuse, naive_product
from detente.centre.picture.partner import canonical_order, receive, start_partner
from detente.records.slots import Status

GROUND = made.territories()
SEEDS = st.integers(0, 2**32 - 1)
SOME = settings(max_examples=60, deadline=None)


def two_covariances(seed):
    """Two covariances of a position and a velocity, each well and badly known in its own directions."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(2):
        turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]
        scale = np.diag([1e3] * 3 + [10.0] * 3)
        out.append(scale @ turn @ np.diag(10.0 ** rng.uniform(-2, 2, 6)) @ turn.T @ scale)
    return out


def log_det(covariance):
    return np.linalg.slogdet(covariance)[1]


@SOME
@given(SEEDS)
def test_an_intersection_is_conservative_whatever_the_errors_share(seed):
    """For any joint covariance that two honest estimates may have, the fused one is no less than the true error's."""
    a, b = two_covariances(seed)
    mean = np.zeros((1, 6))
    _, fused, weight = covariance_intersection(mean, a[None], mean, b[None])
    w = weight[0]
    gain_a, gain_b = w * fused[0] @ np.linalg.inv(a), (1.0 - w) * fused[0] @ np.linalg.inv(b)
    rng = np.random.default_rng(seed + 1)
    root_a, root_b = np.linalg.cholesky(a), np.linalg.cholesky(b)
    for _ in range(5):
        contraction = rng.normal(size=(6, 6))
        contraction /= np.linalg.norm(contraction, 2)  # the largest correlation there is
        cross = root_a @ contraction @ root_b.T
        both = gain_a @ cross @ gain_b.T
        true = gain_a @ a @ gain_a.T + gain_b @ b @ gain_b.T + both + both.T
        root = np.linalg.cholesky(fused[0])
        slack = np.linalg.solve(root, np.linalg.solve(root, fused[0] - true).T)
        assert np.linalg.eigvalsh(0.5 * (slack + slack.T)).min() > -1e-7


@SOME
@given(SEEDS)
def test_an_intersection_is_no_wider_than_either_and_no_narrower_than_its_bound(seed):
    a, b = two_covariances(seed)
    mean = np.zeros((1, 6))
    _, fused, weight = covariance_intersection(mean, a[None], mean, b[None])
    assert 0.0 <= weight[0] <= 1.0
    best = min(
        log_det(np.linalg.inv(w * np.linalg.inv(a) + (1.0 - w) * np.linalg.inv(b))) for w in np.linspace(0, 1, 401)
    )
    assert log_det(fused[0]) <= min(log_det(a), log_det(b)) + 1e-3
    assert best - 1e-3 <= log_det(fused[0]) <= best + 2e-3


def rounds(seed, combine, count):
    """A and B hand their results to and fro, each combining what comes with what it has; A's determinants."""
    a, b = two_covariances(seed)
    mean = np.zeros((1, 6))
    sizes = []
    for _ in range(count):
        a, b = combine(mean, a[None], mean, b[None])[1][0], combine(mean, b[None], mean, a[None])[1][0]
        sizes.append(log_det(a))
    return sizes


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_an_echo_from_a_to_b_to_a_never_sharpens_a_track(seed):
    sizes = rounds(seed, covariance_intersection, 50)
    assert min(sizes) >= sizes[0] - 0.02
    naive = rounds(seed, naive_product, 50)
    assert naive[-1] < naive[0] - 100.0


def test_ten_thousand_echoes_change_nothing():
    spread = made.covariance(seed=8)[None]
    mean = made.state()[None]
    heard, told = spread, mean
    for _ in range(10_000):
        told, heard, _ = covariance_intersection(mean, spread, told, heard)
    assert np.allclose(heard, spread, rtol=1e-6)
    assert np.allclose(told, mean, atol=1e-3)


def some_messages(seed):
    """A handful of messages about few tracks: states and warnings, some older, some alike in all but their content."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(rng.integers(2, 9)):
        number, valid_s = int(rng.integers(1, 4)), float(rng.integers(0, 4))
        if rng.random() < 0.6:
            mean = made.state(azimuth_deg=float(rng.uniform(-60, 0)))
            out.append(made.message(mean, made.covariance(), number=number, valid_s=valid_s, phase=rng.integers(1, 4)))
        else:
            impact = (*np.radians([rng.uniform(40, 60), rng.uniform(0, 40)]), 900.0, 20e3, 30.0)
            launch = (0.6, 0.8, -60.0, 10e3) if rng.random() < 0.5 else None
            out.append(made.warning(impact=impact, launch=launch, number=number, valid_s=valid_s))
    return out


@SOME
@given(SEEDS, st.randoms(use_true_random=False))
def test_the_order_of_arrival_inside_a_step_does_not_matter(seed, random):
    messages = some_messages(seed)
    shuffled = list(messages)
    random.shuffle(shuffled)
    known = [receive(start_partner(1, 4, 2), *made.table(*m), made.WEST, GROUND, 5.0) for m in (messages, shuffled)]
    assert made.same_arrays(*known) == []
    table, _ = made.table(*shuffled)
    order = canonical_order(table, np.zeros(len(table), np.int64))
    assert sorted(order.tolist()) == list(range(len(table)))


@SOME
@given(SEEDS)
def test_a_message_heard_twice_is_heard_once(seed):
    messages = some_messages(seed)
    once = receive(start_partner(1, 4, 2), *made.table(*messages), made.WEST, GROUND, 5.0)
    twice = receive(once, *made.table(*messages), made.WEST, GROUND, 5.0)
    assert made.same_arrays(once, twice) == []


ANYTHING = st.floats(allow_nan=True, allow_infinity=True, width=64)


@SOME
@given(SEEDS, st.lists(st.tuples(st.integers(0, 10**6), ANYTHING), min_size=1, max_size=6))
def test_no_message_makes_a_picture_that_is_not_of_numbers(seed, damage):
    """Sound messages with any number put anywhere into them: every column of the picture stays finite."""
    messages = some_messages(seed)
    for place, value in damage:
        victim = dict(messages[place % len(messages)])
        names = sorted(name for name, column in victim.items() if np.asarray(column).dtype.kind == "f")
        names += ["state", "covariance"]
        name = names[place // 7 % len(names)]
        column = np.array(victim[name], float)
        column.reshape(-1)[place % column.size] = value
        victim[name] = column if column.ndim else float(column)
        messages[place % len(messages)] = victim
    for message in messages:
        for name in ("launch_valid", "impact_valid", "replicate", "clause", "coarsened"):
            message[name] = np.nan_to_num(np.asarray(message[name], float), posinf=1, neginf=1) != 0
    tracks = made.tracks([made.state()], [made.covariance()], time_s=5.0)
    known = receive(start_partner(1, 4, 2), *made.table(*messages), made.WEST, GROUND, 5.0)
    picture = fuse(tracks, estimate(tracks, None, GROUND), known, made.WEST, GROUND, 5.0)
    assert made.finite(known)
    assert made.finite(picture)
    for line in np.flatnonzero((picture.status[0] == Status.CONFIRMED) & (picture.has_state[0] == 1)):
        assert np.linalg.eigvalsh(picture.covariance[0, line])[0] > 0.0
    assert (picture.estimates.threat_probability <= 1.0).all()


@SOME
@given(SEEDS)
def test_a_line_is_paired_with_at_most_one_line_of_a_giver(seed):
    rng = np.random.default_rng(seed)
    states = np.array([made.state(azimuth_deg=a) for a in rng.uniform(-41, -39, 5)])
    said = states[rng.permutation(5)[:4]] + rng.normal(size=(4, 6)) * 50.0
    tracks = made.tracks(states, [made.covariance(3000.0, 40.0)] * 5)
    messages = [made.message(s, made.covariance(3000.0, 40.0), number=n) for n, s in enumerate(said, 1)]
    known = receive(start_partner(1, 4, 2), *made.table(*messages), made.WEST, GROUND, 0.0)
    picture = fuse(tracks, estimate(tracks, None, GROUND), known, made.WEST, GROUND, 0.0)
    pairs = [(line, int(twin)) for line, twin in enumerate(picture.twin[0]) if twin >= 0]
    assert all(picture.twin[0, twin] == line for line, twin in pairs)
    assert len({twin for _, twin in pairs}) == len(pairs)
    confirmed = int((picture.status[0] == Status.CONFIRMED).sum())
    assert confirmed == 5 + 4 - len(pairs) // 2
