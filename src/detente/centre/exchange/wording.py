"""A clause in words: the most revealing message that it can ever emit, and what stands in its way."""

from detente.scenario.agreement import Clause, Condition
from detente.scenario.words import Box

CONTENT = {
    "launch-warning": "launch point and its spread, launch time, phase of flight and the sensors that saw it",
    "impact-prediction": "impact point and time with their spreads, phase of flight and the sensors that saw it",
    "track": "position and velocity with all 21 terms of their covariance, phase of flight and the sensors that saw it",
    "tracklet": (
        "position and velocity with all 21 terms of their covariance, phase of flight and the sensors that saw it, and "
        "may tell successive ones apart: what the giver's sensors added since the last"
    ),
    "sensor-status": "which of the giver's sensors work, and coarsely where its radars watch",
}
TERRITORY = {"receiver": "{receiver}'s territory", "giver": "{giver}'s territory", "any-party": "any party's territory"}


def most_revealing(clause: Clause) -> str:
    """What a clause tells at its most, in a sentence."""
    exact = _coarsening(clause)
    sensors = clause.data == "sensor-status"
    thing, everything = ("sensor", "each sensor") if sensors else ("object", "every confirmed track")
    parts = [
        f"{clause.receiver} learns from {clause.giver} {CONTENT[clause.data]}, {exact}",
        f"{_delay(clause)}, {_rate(clause)} of each {thing}",
    ]
    conditions = condition_words(clause.when, clause.giver, clause.receiver)
    parts.append("only " + ", and ".join(conditions) if conditions else f"of {everything}")
    if clause.owners_consenting is not None:
        parts.append(f"only from sensors of {', '.join(clause.owners_consenting) or 'nobody'}")
    if clause.owners_withheld:
        parts.append(f"never if a sensor of {' or '.join(clause.owners_withheld)} contributed")
    if clause.retention_s is not None:
        parts.append(f"to be deleted after {clause.retention_s:g} s")
    return "; ".join(parts) + "."


def condition_words(when: Condition, giver: str, receiver: str) -> list[str]:
    """What must hold of an object, each condition in words."""
    found = []
    if when.impact_in is not None:
        ground = TERRITORY[when.impact_in].format(giver=giver, receiver=receiver)
        found.append(f"if it is bound for {ground} with a probability of at least {when.impact_probability:g}")
    for what, zone in (("launched", when.launch_zone), ("now", when.object_zone), ("bound", when.impact_zone)):
        if zone is not None:
            preposition = {"launched": "launched from", "now": "over", "bound": "bound for"}[what]
            found.append(f"if {preposition} {box_words(zone)}")
    if when.phases:
        found.append(f"in {' or '.join(when.phases)}")
    if when.range_classes:
        found.append(f"of {' or '.join(when.range_classes)} range")
    return found


def box_words(box: Box) -> str:
    """A zone in degrees."""
    return f"latitude {box.south_deg:g} to {box.north_deg:g}, longitude {box.west_deg:g} eastwards to {box.east_deg:g}"


def _delay(clause: Clause) -> str:
    return f"no sooner than {clause.delay_s:g} s after the fact" if clause.delay_s else "without added delay"


def _rate(clause: Clause) -> str:
    said = f"at most every {clause.period_s:g} s"
    return said if clause.period_s == clause.every_s else f"{said} (the first rate no faster than {clause.every_s:g} s)"


def _coarsening(clause: Clause) -> str:
    coarsen = clause.coarsen
    found = []
    if coarsen.sigma_position_m:
        found.append(f"places moved by a secret offset of {coarsen.sigma_position_m:g} m (1 sigma)")
    if coarsen.sigma_velocity_m_s:
        found.append(f"velocities moved by {coarsen.sigma_velocity_m_s:g} m/s (1 sigma)")
    if coarsen.grid_km:
        found.append(f"points on a {coarsen.grid_km:g} km grid")
    if coarsen.time_s:
        found.append(f"times in steps of {coarsen.time_s:g} s")
    return ", ".join(found) if found else "as exactly as the giver itself knows it"
