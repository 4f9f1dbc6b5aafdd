"""What a tracker believes of missiles and sensors before it has seen any: one record, each number with its reason."""

import math
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from detente.centre.tracking import _kernels_places as places


class Model(IntEnum):
    """How tracks move, and the rules that go with it."""

    BALLISTIC = places.BALLISTIC
    """The turning Earth's gravity, thrust and drag in ECEF; lives end by expected looks."""

    CONSTANT_GRAVITY = places.CONSTANT_GRAVITY
    """The textbook's tracker in a flat local frame: constant gravity, white acceleration, angles and range as measured,
    assignment by the sum of Mahalanobis distances, lives ended by counting scans."""


class Filter(IntEnum):
    """How a track's Gaussian is carried through what is not linear."""

    EXTENDED = places.EXTENDED
    SIGMA_POINT = places.SIGMA_POINT


class Association(IntEnum):
    """Whose a detection is, where more than one track or detection could be meant."""

    GNN = places.NEAREST
    """One assignment, the cheapest: global nearest neighbour."""

    JPDA = places.JOINT
    """Joint probabilities of all assignments, where the likeliest is not clear; the cheapest elsewhere."""

    JPDA_STAR = places.ONE_ORDER
    """The same, but of assignments that differ only in the order of their tracks the likeliest alone: two objects
    whose plots may be exchanged keep apart, where joint probabilities draw both to their middle."""


class Registration(IntEnum):
    """Whether sensors are believed to be where and turned as they say."""

    TRUSTED = 1
    ESTIMATED = 2
    """Each sensor's constant offsets of range, azimuth and elevation are estimated (`_kernels_bias`); in files only."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The tracker's numbers, in SI. Where one is an assumption, the range within which it is defensible follows."""

    gate_sigmas: float = 4.0
    """A detection farther than this from where a track predicts it is not the track's. With three measured numbers a
    true one is lost once in 880 looks (chi-square, 3 degrees of freedom). source: assumption, 3.5-5."""

    confirm_hits: int = 3
    """Detections that make a track confirmed, with fewer than ``tentative_misses`` looks missed in a row between them:
    at worst three of five looks. source: assumption, 3-4 (3-of-5 is a customary rule)."""

    tentative_misses: int = 2
    """Looks missed in a row that end a tentative track. source: assumption, 2-3."""

    tentative_s: float = 35.0
    """A tentative track unseen for this long ends. source: assumption, 20-60: above three revisits of 10 s."""

    confirmed_misses: int = 12
    """Expected looks missed in a row that end a confirmed track: above the run of fades that a detection probability
    of one half gives once in 4,000. source: assumption, 6-20."""

    coast_limit_s: float = 300.0
    """A confirmed track unseen for this long ends. source: assumption, 180-600: the gap between two radars' fans on a
    flight of 2,000 km."""

    sigma_limit_m: float = 50_000.0
    """A confirmed track whose position is less certain than this (root of the summed variances) ends, unless it is in
    boost. source: assumption, 30-100 km."""

    coast_noise_m2_s3: float = 1e-6
    """White acceleration in vacuum: stands for gravity beyond J2 (1e-5 of g, EGM96 J3 and J4) over some 100 s.
    source: assumption, 1e-6 to 1e-3."""

    undecided_noise_m2_s3: float = 4_000.0
    """White acceleration of a tentative radar track low enough to be burning: 20 m/s² unknown for 10 s.
    source: assumption, 1,000-10,000."""

    boost_noise_m2_s3: float = 200.0
    """White acceleration in boost beside the thrust along the velocity: the pitch programmes of this project's flights
    push 2-10 m/s² across the velocity for some 10 s. source: assumption, 50-1,000."""

    air_noise_s: float = 0.005
    """White acceleration in the air is this times the square of the drag: drag wrong by a twentieth for a second, twice
    over. source: assumption, 0.001-0.02."""

    thrust_noise_m2_s5: float = 1.0
    """Random walk of the thrust's acceleration, beside its growth and the steps of staging.
    source: assumption, 0.3-3."""

    thrust_step_hz: float = 1.0 / 100.0
    """Rate, times the thrust squared, of the random walk that stands for staging and an unnoticed burnout.
    source: assumption, 1/500 to 1/60."""

    exhaust_speed_m_s: float = 2_400.0
    """Thrust grows as a²/c while propellant burns off, c the exhaust's speed: specific impulses of 230-260 s
    (Forden 2007: 230-240 s)."""

    burnout_rate_hz: float = 1.0 / 60.0
    """How often a stage burns out: stages burn 60-90 s (Forden 2007, Scud-B 75 s, Al Hussein 90 s, No-dong 70 s)."""

    thrust_mean_m_s2: float = 30.0
    """Thrust acceleration, less drag, of a missile at the cloud tops: Forden's Scud-B, Al Hussein and No-dong flown by
    this project's flight room show 27-42 m/s² at 9-14 km."""

    thrust_sigma_m_s2: float = 10.0
    """Its spread. source: assumption, 6-20: heavier missiles climb more slowly."""

    thrust_floor_m_s: float = 60.0
    """Upward speed added before the direction of thrust is taken from the velocity. source: assumption, 30-100."""

    boost_ceiling_m: float = 150_000.0
    """A radar track confirmed above this height is taken to coast; medium-range missiles burn out at 40-120 km.
    source: assumption, 100-300 km."""

    unsupported_boost_s: float = 60.0
    """A track that no satellite has seen is not believed to burn longer than this. source: assumption, 40-120."""

    nominal_beta_kg_m2: float = 2_500.0
    """Ballistic coefficient a track is first given: the geometric middle of 500-10,000 (source: assumption)."""

    log_beta_sigma: float = 0.8
    """Its spread as a natural logarithm: two sigmas reach from 500 to 12,000 kg/m². source: assumption, 0.5-1.2."""

    log_beta_noise_hz: float = 1e-4
    """Random walk of that logarithm: drag coefficients change with Mach number. source: assumption, 1e-5 to 1e-3."""

    radar_speed_sigma_m_s: float = 2_500.0
    """Velocity of a radar's first plot, each component, about zero: flights of 300-5,500 km burn out at 1.7-6.1 km/s
    (minimum-energy flights on a sphere)."""

    climb_mean_m_s: float = 500.0
    """Climb at the cloud tops of a missile first seen from above: the same flights show 430-690 m/s there."""

    climb_sigma_m_s: float = 150.0
    """Its spread. source: assumption, 100-300."""

    level_sigma_m_s: float = 280.0
    """Horizontal speed then, each component, about zero: the same flights show 200-550 m/s in all."""

    height_sigma_m: float = 1_000.0
    """How uncertain the cloud tops are, before the climb of one revisit is added. source: assumption, 0.5-4 km."""

    along_sigma_max_m: float = 150_000.0
    """Greatest spread along a grazing line of sight. source: assumption, 100-300 km."""

    burnout_doubt: float = 0.03
    """A missile that satellites miss is taken to have burnt out when the probability that it still burns is below
    this. source: assumption, 0.01-0.1."""

    merge_distance2: float = 12.6
    """Two tracks nearer than this squared Mahalanobis distance may be one object (chi-square, 6 degrees, 95 %)."""

    merge_m: float = 60_000.0
    """And nearer than this. source: assumption, 30-100 km."""

    faint_rcs_m2: float = 0.1
    """A radar that has not seen a track is expected to, where it would see this radar cross-section surely: a confirmed
    track there that no radar sees is a ghost. source: assumption, 0.01-1 m²."""

    sure_snr: float = 30.0
    """Signal-to-noise ratio of surely: detection probability 0.6-0.7 at a false-alarm probability of 1e-5 to 1e-6
    (Swerling case 1)."""

    ignition_sigma_m_s2: float = 20.0
    """Acceleration that a coasting track may have hidden when a satellite sees it burn. source: assumption, 10-40."""

    model: Model = Model.BALLISTIC
    filter: Filter = Filter.EXTENDED

    association: Association = Association.JPDA
    registration: Registration = Registration.TRUSTED

    bias_range_m: float = 100.0
    """How far off a sensor's ranges may be, all alike, before anything is learnt of it: one sigma.
    source: assumption, 10-1,000."""

    bias_angle_rad: float = 1e-3
    """And its azimuths and elevations. source: assumption, 1e-4 to 1e-2."""

    ambiguity_margin: float = 4.6
    """The likeliest assignment is clear if its log-likelihood is above the next one's by more than this: 100 times
    likelier. source: assumption, 3-7."""

    gravity_m_s2: float = 9.80665
    """Of the constant-gravity model, downwards; 0 is constant velocity. source: standard gravity (CGPM 1901)."""

    local_noise_m2_s3: float = 1.0
    """White acceleration of the constant-gravity model, each axis. source: assumption, 0.01-100."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            weightless = item.name == "gravity_m_s2" and value == 0.0
            assert weightless or 0.0 < value < math.inf, f"{item.name}: a positive number, not {value}"

    @property
    def lightness_mean(self) -> float:
        """Mean of a body's lightness, which is the nominal over its own ballistic coefficient: that of a log-normal."""
        return math.exp(0.5 * self.log_beta_sigma**2)

    @property
    def lightness_variance(self) -> float:
        """Its variance."""
        return self.lightness_mean**2 * math.expm1(self.log_beta_sigma**2)

    def packed(self) -> NDArray[np.float64]:
        """The numbers as kernels take them: a row in the order of ``_kernels_places``."""
        row = np.empty(places.NUMBERS)
        row[places.GATE2] = self.gate_sigmas**2
        row[places.CONFIRM_HITS] = self.confirm_hits
        row[places.TENTATIVE_MISSES] = self.tentative_misses
        row[places.TENTATIVE_S] = self.tentative_s
        row[places.CONFIRMED_MISSES] = self.confirmed_misses
        row[places.COAST_LIMIT_S] = self.coast_limit_s
        row[places.SIGMA_LIMIT_M] = self.sigma_limit_m
        row[places.COAST_NOISE] = self.coast_noise_m2_s3
        row[places.UNDECIDED_NOISE] = self.undecided_noise_m2_s3
        row[places.BOOST_NOISE] = self.boost_noise_m2_s3
        row[places.AIR_NOISE] = self.air_noise_s
        row[places.THRUST_NOISE] = self.thrust_noise_m2_s5
        row[places.BURNOUT_RATE] = self.burnout_rate_hz
        row[places.THRUST_STEP] = self.thrust_step_hz
        row[places.EXHAUST_SPEED] = self.exhaust_speed_m_s
        row[places.THRUST_MEAN] = self.thrust_mean_m_s2
        row[places.THRUST_SIGMA] = self.thrust_sigma_m_s2
        row[places.THRUST_FLOOR] = self.thrust_floor_m_s
        row[places.BOOST_CEILING_M] = self.boost_ceiling_m
        row[places.UNSUPPORTED_BOOST_S] = self.unsupported_boost_s
        row[places.NOMINAL_BETA] = self.nominal_beta_kg_m2
        row[places.LIGHTNESS_MEAN] = self.lightness_mean
        row[places.LIGHTNESS_VARIANCE] = self.lightness_variance
        row[places.LIGHTNESS_NOISE] = self.log_beta_noise_hz
        row[places.RADAR_SPEED_SIGMA] = self.radar_speed_sigma_m_s
        row[places.CLIMB_MEAN] = self.climb_mean_m_s
        row[places.CLIMB_SIGMA] = self.climb_sigma_m_s
        row[places.LEVEL_SIGMA] = self.level_sigma_m_s
        row[places.HEIGHT_SIGMA_M] = self.height_sigma_m
        row[places.ALONG_SIGMA_MAX_M] = self.along_sigma_max_m
        row[places.BURNOUT_DOUBT] = self.burnout_doubt
        row[places.MERGE2] = self.merge_distance2
        row[places.MERGE_M] = self.merge_m
        row[places.IGNITION_SIGMA] = self.ignition_sigma_m_s2
        row[places.MODEL] = self.model
        row[places.FILTER] = self.filter
        row[places.ASSOCIATION] = self.association
        row[places.MARGIN] = self.ambiguity_margin
        row[places.GRAVITY] = self.gravity_m_s2
        row[places.LOCAL_NOISE] = self.local_noise_m2_s3
        return row


def log_odds(
    detection_probability: NDArray[np.float64], clutter_density: NDArray[np.float64], ranged: NDArray[np.bool_],
    gate_sigmas: float,
) -> NDArray[np.float64]:  # fmt: skip
    """How much likelier a track's own detection is than none of it and a false one in its place, as a logarithm: what a
    pair's -½(d² + ln det S) is added to.

    ``clutter_density`` is false plots a look in each m sr (``ranged``: a radar's) or sr (a direction alone); in the
    constant-gravity model each rad² of azimuth and elevation. All of one shape.
    """
    edge = 0.5 * gate_sigmas**2
    in_plane = -math.expm1(-edge)
    in_space = math.erf(math.sqrt(edge)) - 2.0 * math.sqrt(edge / math.pi) * math.exp(-edge)
    seen = detection_probability * np.where(ranged, in_space, in_plane)
    numbers = np.where(ranged, 3.0, 2.0)
    return np.log(detection_probability / (1.0 - seen) / clutter_density) - 0.5 * numbers * math.log(2.0 * math.pi)


TEXTBOOK = Settings(
    model=Model.CONSTANT_GRAVITY, confirmed_misses=4, radar_speed_sigma_m_s=2_000.0, tentative_misses=2, confirm_hits=3,
    association=Association.GNN,
)  # fmt: skip
"""The rules of Stone Soup's tutorials: gate 4, three hits to confirm, two or four misses to end."""
