"""Agreements and clauses drawn at random, stricter ones made of them, and all that a side says under one."""

import numpy as np
from hypothesis import strategies as st
from tests import made_exchange as made

from detente.centre.exchange.release import initial, release
from detente.centre.exchange.rules import compile_agreement
from detente.records.slots import SensorState, SensorStatus
from detente.records.stages import Messages
from detente.scenario.agreement import (
    DAY_S,
    GRID_MOST_KM,
    RANGE_CLASSES,
    SIGMA_MOST_M,
    SIGMA_MOST_M_S,
    Agreement,
)


def run(agreement, story, giver=0, secret=made.SECRET, replicates=None):
    """Everything one side says in a story."""
    rules = compile_agreement(agreement, made.SIDES, made.OWNERS, made.EPOCH)
    rows, slots = story[0][0].number.shape
    state = initial(rules, np.arange(rows) if replicates is None else replicates, slots)
    messages = []
    for tracks, est in story:
        sent, _, state = release(
            state,
            tracks,
            est,
            rules,
            giver,
            made.SENSORS_OF[giver],
            secret,
            tracks.time_s,
            status=declared(rows, giver),
        )
        messages.append(sent)
    return Messages.concatenate(messages), state


def declared(rows, giver):
    """What a side says of its two sensors: one is up, the other down."""
    own = np.array(made.SENSOR_SIDES) == giver
    states = np.where(own, np.where(np.arange(6) % 2, SensorState.DOWN, SensorState.UP), SensorState.UNKNOWN)
    sector = np.where(states == SensorState.UP, 1.0, 0.0)[:, None] * np.append(np.radians([30.0, 60.0, 5.0, 60.0]), 2e6)
    return SensorStatus(
        state=np.tile(states.astype(np.uint8), (rows, 1)), stated_s=np.zeros((rows, 6)),
        sector=np.tile(sector, (rows, 1, 1)),
    )  # fmt: skip


ZONES = st.builds(
    made.box, st.integers(-90, -20), st.integers(20, 90), st.integers(-180, 180), st.integers(-180, 180)
)  # fmt: skip


def meant(when):
    """Conditions without a probability of nothing."""
    return {key: asked for key, asked in when.items() if key != "impact_probability" or "impact_in" in when}


CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "impact_in": st.sampled_from(["receiver", "giver", "any-party"]),
        "impact_probability": st.floats(0.05, 0.95),
        "phases": st.lists(st.sampled_from(["boost", "coast", "reentry"]), min_size=1, max_size=3, unique=True),
        "launch_zone": ZONES,
        "object_zone": ZONES,
        "impact_zone": ZONES,
        "range_classes": st.lists(st.sampled_from(RANGE_CLASSES), min_size=1, max_size=3, unique=True),
    },
).map(meant)


SIMPLER = st.one_of(st.just({}), CONDITIONS.map(lambda when: meant(dict(list(when.items())[:1]))), CONDITIONS)
"""Under many conditions at once little is told, and little can break."""


@st.composite
def clauses(draw, name="c", conditions=CONDITIONS, every_s=(1.0, 5.0, 10.0, 12.0, 15.0)):
    data = draw(st.sampled_from(["launch-warning", "impact-prediction", "track", "tracklet"]))
    giver = draw(st.sampled_from(["A", "A", "A", "B"]))  # the stories are A's: of its sensors' tracks
    receiver = draw(st.sampled_from([side for side in made.SIDES if side != giver]))
    coarsen = {} if data == "tracklet" else {"sigma_position_m": draw(st.sampled_from([0.0, 500.0, SIGMA_MOST_M / 2]))}
    if data == "track":
        coarsen["sigma_velocity_m_s"] = draw(st.sampled_from([0.0, 20.0, SIGMA_MOST_M_S / 2]))
    elif data != "tracklet":
        coarsen["grid_km"] = draw(st.sampled_from([0.0, 50.0, 1000.0, GRID_MOST_KM]))
        coarsen["time_s"] = draw(st.sampled_from([0.0, 30.0, DAY_S]))
    return made.clause(
        name, data, giver, receiver, when=draw(conditions), coarsen=coarsen,
        delay_s=draw(st.sampled_from([0.0, 0.0, 4.0, 13.0])), every_s=draw(st.sampled_from(every_s)),
        owners_withheld=draw(st.lists(st.sampled_from(["USA", "TUR", "NOR"]), max_size=2, unique=True)),
    )  # fmt: skip


@st.composite
def statuses(draw, name):
    """A clause about sensors: whatever it asks of an object holds of none."""
    return made.clause(
        name, "sensor-status", receiver=draw(st.sampled_from("BC")),
        when=draw(st.sampled_from([{}, {}, {"phases": ["coast"]}])), delay_s=draw(st.sampled_from([0.0, 4.0, 13.0])),
        every_s=draw(st.sampled_from([1.0, 5.0, 10.0, 12.0, 15.0])),
        owners_withheld=draw(st.lists(st.sampled_from(["USA", "TUR", "NOR"]), max_size=2, unique=True)),
    )  # fmt: skip


@st.composite
def agreements(draw, conditions=CONDITIONS):
    some = [
        draw(st.one_of(*[clauses(f"c{i}", conditions)] * 4, statuses(f"c{i}"))) for i in range(draw(st.integers(1, 4)))
    ]
    return made.agreement(*some, start_s=draw(st.sampled_from([-9.0, 10.0])), end_s=draw(st.sampled_from([30.0, 99.0])))


HARDER = (
    "remove", "phase", "impact", "raise", "delay", "every", "owners", "consent", "zone", "shrink", "range", "coarsen",
    "velocity", "start", "end",
)  # fmt: skip


@st.composite
def stricter(draw, agreement, how=None):
    """The same agreement with one thing made stricter: what ``how`` says of it, or any."""
    model = agreement.model_dump(mode="python")
    clause = model["clauses"][draw(st.integers(0, len(model["clauses"]) - 1))]
    how = how or draw(st.sampled_from(HARDER))
    if how == "remove":
        model["clauses"] = [kept for kept in model["clauses"] if kept is not clause]
    elif how == "phase":
        left = [phase for phase in ("boost", "coast", "reentry") if phase in (clause["when"]["phases"] or (phase,))]
        clause["when"]["phases"] = left[: draw(st.integers(1, len(left)))]
    elif how == "impact":
        named = clause["when"]["impact_in"]
        clause["when"]["impact_in"] = "receiver" if named in (None, "any-party") else named
    elif how == "raise" and clause["when"]["impact_in"]:
        clause["when"]["impact_probability"] = min(1.0, 1.5 * clause["when"]["impact_probability"])
    elif how in ("delay", "every"):
        clause[f"{how}_s"] += draw(st.floats(0.0, 20.0))
    elif how == "owners":
        owner, consenting = draw(st.sampled_from(["USA", "TUR"])), clause["owners_consenting"]
        clause["owners_withheld"] = [*clause["owners_withheld"], owner]
        clause["owners_consenting"] = consenting and [name for name in consenting if name != owner]
    elif how == "consent":
        clause["owners_consenting"] = [name for name in ("USA", "RUS") if name not in clause["owners_withheld"]]
    elif how == "zone":
        which = draw(st.sampled_from(["launch_zone", "object_zone", "impact_zone"]))
        clause["when"][which] = clause["when"][which] or draw(ZONES)
    elif how == "shrink":
        for which in ("launch_zone", "object_zone", "impact_zone"):
            if clause["when"][which]:
                zone = clause["when"][which]
                zone["north_deg"] = max(zone["north_deg"] - draw(st.integers(0, 30)), zone["south_deg"] + 1.0)
    elif how == "range":
        clause["when"]["range_classes"] = clause["when"]["range_classes"] or draw(
            st.sampled_from([["short", "medium"], ["intercontinental"]])
        )
    elif how == "coarsen" and clause["data"] not in ("tracklet", "sensor-status"):
        clause["coarsen"]["sigma_position_m"] += 1000.0
    elif how == "velocity" and clause["data"] == "track":
        clause["coarsen"]["sigma_velocity_m_s"] += 5.0
    elif how == "start":
        model["valid"]["start"] += draw(st.floats(0.0, 0.4)) * (model["valid"]["end"] - model["valid"]["start"])
    else:  # it ends sooner: also what a withdrawal does
        model["valid"]["end"] -= draw(st.floats(0.0, 0.4)) * (model["valid"]["end"] - model["valid"]["start"])
    return Agreement(**model)
