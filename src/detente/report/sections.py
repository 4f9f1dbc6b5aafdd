"""The sections of the page, in order, from the answer to what it rests on."""

import shlex
from datetime import datetime
from typing import Any

from detente.report import answer, closer_look, tables
from detente.report.markup import Markup, element, joined
from detente.report.satellites import orbit_words, satellites, watch_words
from detente.report.saved import BASELINE, Saved
from detente.report.words import counted, decimal, listed, plain

SCOPE = (
    "Open literature, point masses, public parameters with sources. An interceptor is a published speed, a reach in "
    "time and a kill probability; discrimination is one abstract probability. No guidance, seeker, warhead, decoy or "
    "countermeasure design, no advice on attack."
)
EVERY_ARCHITECTURE = ("alone", "warning", "cooperating", "two-key", "sectoral", "joint")
CONTENTS = (
    ("answer", "Answer"),
    ("table", "Study table"),
    ("closer", "A closer look"),
    ("warning", "Warning and defence"),
    ("maps", "Maps"),
    ("exchange", "What travelled"),
    ("basis", "What it rests on"),
    ("provenance", "Run it again"),
)


def header(saved: Saved) -> Markup:
    """Title, scenario, date and what was run."""
    about = saved.about
    moment = datetime.fromisoformat(about["epoch"])
    facts = [
        f"Scenario {about['name']}",
        f"{moment.day} {moment:%B %Y, %H:%M} UTC",
        counted(saved.replicates, "replicate"),
        f"seed {saved.study['seed']}",
        f"Détente {saved.study['version']}",
    ]
    links = [element("li", element("a", title, href=f"#{anchor}")) for anchor, title in CONTENTS]
    return element(
        "header",
        element("p", "Détente · joint analysis of cooperative missile warning and defence", class_="kicker"),
        element("h1", about["title"]),
        element("p", about["about"], class_="about"),
        element("p", *(element("span", fact) for fact in facts), class_="facts"),
        element("nav", element("ul", *links), aria_label="Sections"),
    )


def section(anchor: str, title: str, *children: object) -> Markup:
    """A section with its heading."""
    heading = element("h2", title, id=f"{anchor}-title")
    return element("section", heading, *children, id=anchor, aria_labelledby=f"{anchor}-title")


def figure(name: str, title: str, alt: str, caption: str, *controls: object) -> Markup:
    """A place for a drawing, with what it shows in words for whoever cannot see it or runs no script."""
    return element(
        "figure",
        element("h3", title),
        *controls,
        element(
            "div",
            element("p", "This figure is drawn by a script; its numbers are in the study table.", class_="unscripted"),
            id=f"figure-{name}",
            class_="drawing",
            role="img",
            aria_label=alt,
        ),
        element("figcaption", caption),
    )


def answered(saved: Saved) -> Markup:
    """What cooperation buys, in words and at a glance."""
    asked = "What does cooperation buy?" if saved.compares else "What can each side do alone?"
    return section("answer", asked, answer.answer(saved), answer.glance(saved), _context(saved))


def _context(saved: Saved) -> Markup:
    """How much of the raid threatens whom, on average."""
    first = saved.objects_under(saved.architectures[0])
    worlds = max(saved.replicates, 1)
    threats = [
        f"{decimal(float((first.threatened >> side & 1).sum()) / worlds, 1)} threaten {name}"
        for side, name in enumerate(saved.sides)
    ]
    raid = saved.about["raid"]
    waves = listed([f"{wave['count']} in wave “{wave['name']}”" for wave in raid["waves"]])
    missiles = "; ".join(missile["title"] for missile in raid["missiles"])
    return element(
        "p",
        f"The raid: {waves}. Missiles: {missiles}. Of {decimal(len(first) / worlds, 1)} objects that flew in a world "
        f"on average, {listed(threats)}: their true impact lies in that territory.",
        class_="context",
    )


def table(saved: Saved) -> Markup:
    """The study table and what its lines mean."""
    return section(
        "table",
        "Study table",
        tables.reading_guide(saved),
        tables.study_tables(saved),
        element("details", element("summary", "What each metric means"), tables.glossary(saved)),
    )


def closer(saved: Saved) -> Markup:
    """What the means hide, from the table of objects."""
    return section("closer", "A closer look", *closer_look.tables(saved))


def warning(saved: Saved, drawn: dict[str, Any]) -> Markup:
    """Distributions of warning time, and defence with intervals."""
    never = [
        f"{saved.sides[curve['side']]}, {curve['architecture']}: {decimal(100 * curve['never'], 1)} % never warned of"
        for curve in drawn["warning"]["curves"]
        if curve["never"] is not None
    ]
    curves = figure(
        "warning",
        "How long before impact is a side warned?",
        "Curves of the share of threatening objects a side is warned of at least so many minutes before impact. "
        + "; ".join(never)
        + ".",
        "Read upwards from a time: the share of threatening objects, over all worlds, that the side is warned of at "
        "least that long before impact, wherever the warning pointed. "
        + (_PARTNER if saved.compares else "")
        + "A line starts at the left at the share ever warned of; what is missing there to 100 % is never warned of.",
    )
    shares = figure(
        "shares",
        "Defence, leakage and false warnings",
        "Dot plots of territory defended, people defended, leakage and false warnings for each architecture and side; "
        "the values are in the study table.",
        "Dot: mean over worlds. Dark line: 95 % interval (sampling error). Pale line: 5th to 95th percentile of "
        "worlds (assumptions and chance). Territory and people defended: share of aim points, drawn by area, or by "
        "people and at troops, over the ground the missile reaches, whose object a site had at least one opportunity "
        "to engage. Leakage: threatening objects not intercepted. False warnings: warnings a world that name ground no "
        "object threatened." + _false_warnings(saved),
    )
    return section("warning", "Warning and defence", curves, shares)


_PARTNER = (
    "The coloured line is all that the side knows under the architecture, the grey one its own sensors alone; the "
    "tinted area between is the difference the partner makes. "
)


def _false_warnings(saved: Saved) -> str:
    cells = [saved.cell(name, side, "false_warnings") for name in saved.architectures for side in saved.sides]
    none = all(cell is None or cell["mean"] == 0 for cell in cells)
    return " There was no false warning in any world." if none else ""


def maps(saved: Saved, drawn: dict[str, Any]) -> Markup:
    """Where the sensors look, what one world looked like, which ground could be defended."""
    radars = [s for s in saved.about["sensors"] if s["kind"] == "radar"]
    looking = [_count_of(saved, radars, "radar"), _count_of(saved, saved.about["sites"], "interceptor site")]
    first = figure(
        "sensors",
        "Who looks where",
        f"Map of territories, radars with the ground they cover, and interceptor sites: {'; '.join(looking)}.",
        "Solid outline: where a radar could see something 300 km above ground, limited by its sector, its lowest "
        "elevation, the Earth's curve and its instrumented range. Dashed outlines, of warning radars: the same at the "
        "low and the high end of that range, where it matters. Radars without an outline do not reach 300 km. Labels "
        "name what stands in one place together, with its number. Tinted: the ground each side protects."
        + _borders(drawn),
    )
    children: list[Markup | None] = [first, satellites(saved)]
    if drawn["world"] is not None:
        children += _world_figures(saved, drawn["world"])
    if drawn["defended"] is not None:
        children.append(_defended(saved, drawn["defended"]))
    return section(
        "maps",
        "Maps",
        *children,
        element("details", element("summary", "Sensors and interceptors of each side"), _forces(saved)),
    )


def _count_of(saved: Saved, things: list[dict[str, Any]], noun: str) -> str:
    """How many of something each side has."""
    return listed(
        [
            f"{name} {counted(sum(1 for thing in things if thing['side'] == side), noun)}"
            for side, name in enumerate(saved.sides)
        ]
    )


def _borders(drawn: dict[str, Any]) -> str:
    """Whose borders a map shows, where it shows any."""
    if not drawn["ground"]["borders"]:
        return ""
    return f" Borders as of {drawn['ground']['day']}; what is drawn is no statement on any claim."


def _world_figures(saved: Saved, world: dict[str, Any]) -> list[Markup]:
    names = list(world["seen"])
    chosen = answer.headline_architecture(saved)
    options = [element("option", name, value=name, selected=name == chosen) for name in names]
    control = element(
        "p",
        element("label", "Warnings and shots under ", for_="world-architecture"),
        element("select", *options, id="world-architecture"),
        class_="control scripted",
    )
    thinned = f" Every {world['every']}th flight is drawn." if world["every"] > 1 else ""
    flown = counted(len(world["flights"]), "flight")
    ground = figure(
        "world",
        f"One world (replicate {world['replicate']})",
        f"Map of {flown} with launch places, true impacts, and the 95 % ellipses of the impact that first warnings "
        "stated.",
        "Lines: true flights, coloured by the side whose territory the true impact lies in, grey where in none. Dots: "
        "true impacts. Ellipses: the impact as the side's first warning stated it, which should hold the true one in "
        f"95 of 100 cases; pale where a half axis is longer than 1,500 km. {_held(saved)} Dashed where the warning "
        "rests on what the partner added. Crosses: where a shot was to meet its object, filled where it was "
        "intercepted. The flights are the same under every "
        f"architecture.{thinned}",
        control,
    )
    profile = figure(
        "profile",
        "The same flights from the side",
        f"Height over ground distance from launch of {flown}.",
        "Height over the ground distance from launch; both axes have one scale, so angles are true but for the "
        "Earth's curve.",
    )
    return [ground, profile]


def _held(saved: Saved) -> str:
    """How often ellipses really held the true impact, over all worlds of the study."""
    chosen = answer.headline_architecture(saved) or BASELINE
    held = [f"{closer_look.inside(saved, chosen, index)} for {side}" for index, side in enumerate(saved.sides)]
    return f"Of all first warnings of the study, under “{chosen}”, it held it in {listed(held)} (see A closer look)."


def _defended(saved: Saved, defended: dict[str, Any]) -> Markup:
    means = []
    for name in saved.architectures:
        weights, shares = defended["count"], defended["shares"][name]
        mean = sum(w * s for w, s in zip(weights, shares, strict=True)) / max(sum(weights), 1)
        means.append(f"{name} {decimal(100 * mean, 1)} %")
    return figure(
        "defended",
        "Ground that could be defended",
        "Small maps, one an architecture, of the share of impacts with at least one opportunity to engage: "
        f"{'; '.join(means)}.",
        "True impacts of all worlds in a territory, gathered in hexagons; the larger a hexagon, the more impacts it "
        "gathers. Colour: share of them whose object some site had at least one opportunity to engage, as the "
        "deciding pictures saw it. Under the small maps: the share over all impacts. An opportunity is not an "
        "interception: see leakage.",
    )


def _forces(saved: Saved) -> Markup:
    sensors = [
        element(
            "tr",
            element("td", s["title"]),
            element("td", saved.sides[s["side"]]),
            element("td", s["owner"]),
            element("td", s["kind"]),
            element("td", _look(s)),
            element("td", s["source"]),
        )
        for s in saved.about["sensors"]
    ]
    sites = [
        element(
            "tr",
            element("td", s["name"]),
            element("td", saved.sides[s["side"]]),
            element("td", s["owner"]),
            element("td", s["title"]),
            element("td", f"{s['stock']} interceptors; reach {_range(s['range_max_km'])} km{_own_ground(s)}"),
            element("td", s["stock_source"]),
        )
        for s in saved.about["sites"]
    ]
    doctrines = [
        element("tr", *(element("td", cell) for cell in (s["name"], _shoots(s["doctrine"]), s["doctrine"]["source"])))
        for s in saved.about["sides"]
    ]
    return joined(
        _plain_table("Sensors", ("Sensor", "Side", "Owner", "Kind", "Looks", "Source"), sensors),
        _plain_table(
            "Interceptor sites", ("Site", "Side", "Owner", "Interceptor", "Stock", "Source of the stock"), sites
        ),
        _plain_table("When a side shoots", ("Side", "Doctrine", "Source"), doctrines),
    )


def _own_ground(site: dict[str, Any]) -> str:
    radius_km = site["defends_own_radius_km"]
    return "" if radius_km is None else f"; defends {plain(radius_km)} km around it"


def _shoots(doctrine: dict[str, Any]) -> str:
    return (
        f"{doctrine['mode']}: {counted(doctrine['salvo'], 'interceptor')} at once, at most {doctrine['shots_max']} at "
        f"one object; the result is known after {plain(doctrine['look_s'])} s; an impact on own ground must have a "
        f"probability of {plain(doctrine['threat_probability'])}; {plain(100 * doctrine['reserve_fraction'])} % of a "
        "stock is kept from what a partner alone sees"
    )


def _look(sensor: dict[str, Any]) -> str:
    if sensor["kind"] != "radar":
        return f"{orbit_words(sensor)}{watch_words(sensor)}"
    whole = sensor["sector_width_deg"] >= 360
    where = (
        "all round"
        if whole
        else f"{plain(sensor['sector_width_deg'])}° about azimuth {plain(sensor['boresight_azimuth_deg'])}°"
    )
    return f"{where}, to {_range(sensor['instrumented_range_km'])} km"


def _range(numbers: list[float]) -> str:
    value, low, high = numbers
    return plain(value) if low == high else f"{plain(value)} ({plain(low)} to {plain(high)})"


def _plain_table(caption: str, heads: tuple[str, ...], rows: list[Markup], **attributes: object) -> Markup:
    top = element("thead", element("tr", *(element("th", head, scope="col") for head in heads)))
    body = element("table", element("caption", caption), top, element("tbody", *rows), class_="plain", **attributes)
    return element("div", body, class_="wide", tabindex=0, role="region", aria_label=caption)


def provenance(saved: Saved) -> Markup:
    """What made the page and how to make it again."""
    made = saved.manifest
    environment = made["environment"]
    packages = ", ".join(f"{name} {version}" for name, version in environment["packages"].items())
    rows = [
        ("Command", joined(element("code", rerun(saved)), _asked(saved))),
        ("Version", f"Détente {made['version']}"),
        ("Scenario digest", element("code", made["scenario_digest"])),
        ("Seed, replicates", f"{made['seed']}, {saved.replicates}"),
        ("Architectures", ", ".join(saved.architectures)),
        ("Written", made["written"]),
        ("Python", f"{environment['python']} on {environment['platform']} ({environment['machine']})"),
        ("Processor", f"{environment['cpu']['name']}, {environment['cpu']['features']}"),
        ("Packages", packages),
    ]
    body = [element("tr", element("th", name, scope="row"), element("td", value)) for name, value in rows]
    return section(
        "provenance",
        "Run it again",
        element(
            "p",
            "The same version, scenario, seed and number of replicates give the same numbers to the last bit on the "
            "same kind of processor. The tables behind this page stand beside it as Parquet files, with units and "
            "frames in their columns.",
        ),
        element("table", element("tbody", *body), class_="plain facts-table"),
    )


def rerun(saved: Saved) -> str:
    """The command that makes these numbers again, quoted for a shell."""
    given = saved.manifest["parameters"]
    asked = given.get("asked") or saved.study["scenario"]
    words = ["detente", "study", asked, "--replicates", str(saved.replicates), "--seed", str(saved.study["seed"])]
    if saved.architectures != EVERY_ARCHITECTURE:
        words += ["--architectures", ",".join(saved.architectures)]
    for value in given.get("set", ()):
        words += ["--set", value]
    return shlex.join(words)


def _asked(saved: Saved) -> Markup | None:
    """What to do where the manifest does not say which file was studied."""
    if saved.manifest["parameters"].get("asked"):
        return None
    name = saved.study["scenario"]
    return joined(element("br"), f"If {name} is a scenario of your own, give the path of its file instead of its name.")


def footer() -> Markup:
    """Scope and credits."""
    return element(
        "footer",
        element("p", element("strong", "Scope. "), SCOPE),
        element(
            "p",
            "Coasts and borders: Natural Earth (public domain), by world-atlas (ISC), some disputed borders drawn as "
            "the United Nations recognise them. Cities and country names: GeoNames (geonames.org, CC BY 4.0). "
            "Figures: Observable Plot and D3 (ISC). This page makes no network request.",
        ),
    )
