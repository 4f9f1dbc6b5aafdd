"""An agreement in sentences: who tells whom what, when, how often, how exactly, and what stays at home."""

from datetime import date
from typing import Any

from detente.geodesy.borders import load_borders
from detente.records.errors import InputError
from detente.report.markup import Markup, element, joined
from detente.report.words import listed, plain

DATA = {
    "launch-warning": "launch warnings (launch time, place and the ground threatened)",
    "impact-prediction": "predicted impacts (place and time, with their error)",
    "track": "tracks (position, velocity and their error)",
    "sensor-status": "which of its sensors work, and coarsely where its radars watch",
    "tracklet": "tracklets (tracks of which successive ones may be told apart)",
}
WHERE = {
    "receiver": "{receiver}'s territory",
    "giver": "{giver}'s territory",
    "any-party": "any party's territory",
}
REASONS = {
    1: "no clause speaks of it",
    2: "the agreement is not in force",
    3: "nothing to say yet",
    4: "the partner's own data contributed",
    5: "the sensor's owner withholds",
    6: "not in a phase the clause names",
    7: "predicted impact elsewhere, or not probable enough",
    8: "outside the zone the clause names, or not known to be inside",
    9: "not of a class of range the clause names, or not known to be",
    10: "too soon after the last one",
    11: "shed: too many delayed messages waited",
    12: "waiting for its delay to pass",
    13: "released",
}
"""What the codes of the releases table's ``reason`` mean."""
KINDS = {1: "launch warning", 2: "impact prediction", 3: "track", 4: "sensor status", 5: "tracklet"}
"""What the codes of its ``data`` mean."""


def agreement(document: dict[str, Any], day: date) -> Markup:
    """Title, validity and clauses of an agreement; closed by default."""
    valid = document["valid"]
    head = element(
        "p",
        element("strong", document["title"]),
        f" ({document['name']}), in force from {valid['start'][:10]} to "
        f"{valid['end'][:10]}. What no clause releases is withheld; nothing may be passed on to a third party.",
    )
    clauses = [element("li", sentence(clause, day)) for clause in document["clauses"]]
    notes = element("p", document["notes"], class_="notes") if document["notes"] else None
    source = element("p", "Source: ", document["source"], class_="notes")
    return joined(head, element("ol", *clauses) if clauses else element("p", "It has no clauses."), notes, source)


def sentence(clause: dict[str, Any], day: date) -> Markup:
    """One clause as a sentence."""
    parts = [f"{clause['giver']} tells {clause['receiver']} {DATA.get(clause['data'], clause['data'])}"]
    parts += _conditions(clause)
    if clause["owners_withheld"]:
        owners = listed([country(code, day) for code in clause["owners_withheld"]], "or")
        parts.append(f"but nothing to which a sensor owned by {owners} contributed")
    if clause.get("owners_consenting") is not None:
        consenting = [country(code, day) for code in clause["owners_consenting"]]
        owners = listed(consenting) if consenting else "nobody"
        parts.append(f"only what sensors owned by {owners} contributed")
    thing = "a sensor" if clause["data"] == "sensor-status" else "an object"
    parts.append(f"at most one message about {thing} every {plain(clause['every_s'])} s")
    parts.append(
        f"no sooner than {plain(clause['delay_s'])} s after the fact" if clause["delay_s"] else "without added delay"
    )
    parts.append(_coarsening(clause["coarsen"]))
    if clause.get("retention_s") is not None:
        parts.append(f"to be deleted after {plain(clause['retention_s'])} s")
    return joined(element("code", clause["name"]), " ", "; ".join(parts) + ".")


def _conditions(clause: dict[str, Any]) -> list[str]:
    when = clause["when"]
    found = []
    if when["impact_in"] is not None:
        ground = WHERE[when["impact_in"]].format(giver=clause["giver"], receiver=clause["receiver"])
        found.append(
            f"only where the object will land in {ground} with a probability of at least "
            f"{plain(when['impact_probability'])}"
        )
    if when["phases"]:
        found.append(f"only in {listed(list(when['phases']), 'or')}")
    for key, verb in (("launch_zone", "launched from"), ("object_zone", "over"), ("impact_zone", "bound for")):
        zone = when.get(key)
        if zone is not None:
            found.append(
                f"only if {verb} latitude {plain(zone['south_deg'])} to {plain(zone['north_deg'])}, longitude "
                f"{plain(zone['west_deg'])} eastwards to {plain(zone['east_deg'])}"
            )
    if when.get("range_classes"):
        found.append(f"only of {listed(list(when['range_classes']), 'or')} range")
    return found


def _coarsening(coarsen: dict[str, float]) -> str:
    found = []
    if coarsen["sigma_position_m"]:
        found.append(f"positions blurred by {plain(coarsen['sigma_position_m'] / 1e3)} km")
    if coarsen["sigma_velocity_m_s"]:
        found.append(f"velocities blurred by {plain(coarsen['sigma_velocity_m_s'])} m/s")
    if coarsen["grid_km"]:
        found.append(f"points rounded to {plain(coarsen['grid_km'])} km")
    if coarsen["time_s"]:
        found.append(f"times rounded to {plain(coarsen['time_s'])} s")
    return listed(found) if found else "in full detail"


def country(code: str, day: date) -> str:
    """A country's short name, or its code where no name is known."""
    try:
        return load_borders("50m").name_of(code, day)
    except InputError:
        return code
