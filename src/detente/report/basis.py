"""What the answer rests on: what travelled between the sides, what was made simpler, every number and its source."""

import numpy as np

from detente.report import clauses
from detente.report.answer import headline_architecture
from detente.report.ground import map_day
from detente.report.markup import Markup, element, joined
from detente.report.saved import Document, Saved
from detente.report.sections import section
from detente.report.words import DASH, Scale, counted, plain, scales, shown_interval

FIXED = "not drawn: the same in every replicate"
MESSAGES = ("released_messages", "withheld_messages")


def exchange(saved: Saved) -> Markup:
    """Messages by architecture and side, the recorded world's decisions, and the agreements in words."""
    if not saved.compares:
        nothing = element("p", "Nothing: this study flew the systems alone, and alone no message leaves.")
        return section("exchange", "What travelled between the sides", nothing)
    interval = "" if saved.replicates < 2 else ", with the 95 % interval"
    return section(
        "exchange",
        "What travelled between the sides",
        element(
            "p",
            "Closed by default: a message leaves only where a clause of the agreement releases it. Alone, nothing "
            "travels; in the joint architecture there is one picture and no partner to tell. Mean messages per "
            f"replicate{interval}:",
        ),
        _messages(saved),
        _decisions(saved),
        element("h3", "The agreements in words"),
        *_agreements(saved),
    )


def _messages(saved: Saved) -> Markup:
    scale = scales(saved)
    known = {metric["name"]: metric for metric in saved.metrics if metric["name"] in MESSAGES}
    top = [element("th", "Architecture", rowspan=2, scope="col")]
    top += [
        element("th", f"from {side}", colspan=len(known), scope="colgroup", class_=f"group side-{index}")
        for index, side in enumerate(saved.sides)
    ]
    under = [element("th", name.split("_")[0], scope="col") for _ in saved.sides for name in known]
    rows = []
    for architecture in saved.architectures:
        cells = []
        for side in saved.sides:
            for name in known:
                cell = saved.cell(architecture, side, name)
                cells.append(element("td", DASH) if cell is None else _message_cell(known[name], cell, scale[name]))
        rows.append(element("tr", element("th", architecture, scope="row"), *cells))
    table = element(
        "table",
        element("caption", "Messages released and withheld, by the giving side"),
        element("thead", element("tr", *top), element("tr", *under)),
        element("tbody", *rows),
        class_="glance messages",
    )
    return element("div", table, class_="wide", tabindex=0, role="region", aria_label="Messages released and withheld")


def _message_cell(metric: Document, cell: Document, scale: Scale) -> Markup:
    if cell["mean"] == cell["low"] == cell["high"] == 0:
        return element("td", "0", class_="quiet")
    return element("td", scale.number(cell["mean"]), " ", element("small", shown_interval(metric, cell, scale)))


def _decisions(saved: Saved) -> Markup | None:
    """In the recorded world: how often each reason decided, by giver and kind of information."""
    rows = []
    for name, world in saved.samples.items():
        releases = world.releases
        if not len(releases):
            continue
        keys = np.stack([releases.giver, releases.receiver, releases.data, releases.released, releases.reason], axis=1)
        found, counts = np.unique(keys.astype(np.int64), axis=0, return_counts=True)
        for (giver, receiver, data, released, reason), count in zip(found.tolist(), counts.tolist(), strict=True):
            cells = (
                name,
                f"{saved.sides[giver]} to {saved.sides[receiver]}",
                clauses.KINDS.get(data, f"kind {data}"),
                "released" if released else "not released",
                clauses.REASONS.get(reason, f"reason {reason}"),
                f"{count:,}",
            )
            rows.append(element("tr", *(element("td", cell) for cell in cells)))
    if not rows:
        return None
    heads = ("Architecture", "From, to", "About", "Result", "Reason", "Decisions")
    top = element("thead", element("tr", *(element("th", head, scope="col") for head in heads)))
    table = element(
        "table", element("caption", "Decisions in the recorded world"), top, element("tbody", *rows), class_="plain"
    )
    return element(
        "details",
        element("summary", "Every kind of release decision in the recorded world, with its reason"),
        element("div", table, class_="wide", tabindex=0, role="region", aria_label="Release decisions"),
    )


def _agreements(saved: Saved) -> list[Markup]:
    """Each agreement once, under the names of the architectures that work under it."""
    under: dict[str, tuple[Document, list[str]]] = {}
    for architecture in saved.about["architectures"]:
        if architecture["agreement"] is not None:
            text = architecture["agreement"]
            under.setdefault(text["name"], (text, []))[1].append(architecture["name"])
    day = map_day(saved)
    return [
        element(
            "details",
            element("summary", f"{', '.join(names)}: {text['title']}"),
            clauses.agreement(text, day),
            class_="agreement",
            open=headline_architecture(saved) in names,
        )
        for text, names in under.values()
    ] or [element("p", "No architecture of this study works under an agreement.")]


def basis(saved: Saved) -> Markup:
    """Simplifications, assumptions and sources."""
    cautions = [f"Caution: {caution}." for caution in saved.about.get("cautions", [])]
    notes = [note for note in (saved.about["notes"], saved.about["raid"]["notes"], *cautions) if note]
    return section(
        "basis",
        "What it rests on",
        *(element("p", note, class_="context") for note in notes),
        element("h3", "What is made simpler than it is"),
        _simplifications(saved),
        element("h3", "Assumptions and sources"),
        _assumptions(saved),
    )


def _simplifications(saved: Saved) -> Markup:
    given = saved.about["simplifications"]
    if not given:
        return element("p", "The study names none.")
    rows = [
        element("tr", element("td", s["what"]), element("td", s["effect"]), element("td", s["room"])) for s in given
    ]
    top = element("thead", element("tr", *(element("th", head, scope="col") for head in ("What", "Effect", "Where"))))
    table = element("table", element("caption", "Simplifications"), top, element("tbody", *rows), class_="plain")
    return element("div", table, class_="wide", tabindex=0, role="region", aria_label="Simplifications")


def _assumptions(saved: Saved) -> Markup:
    given = saved.about["assumptions"]
    assumed = sum(1 for quantity in given if is_assumption(quantity))
    drawn = sum(1 for quantity in given if is_drawn(quantity))
    view = saved.about["threat_view"]
    said = (
        f"{counted(drawn, 'number is', 'numbers are')} drawn in each replicate, from low to high; "
        f"{counted(len(given) - drawn, 'is', 'are')} {FIXED}. Of all of them "
        f"{counted(assumed, 'is an assumption', 'are assumptions')}, marked so, because no public source is used for "
        f"{'it' if assumed == 1 else 'them'}; for the others the source is named. Not listed are what missiles are "
        "made of and where sensors look, whose sources stand in the catalogue, and the settings of trackers, pictures "
        "and plans, whose sources stand beside them in the code."
    ) + (f" The threat is seen as in the view “{view}”." if view else "")
    control = element(
        "p",
        element("label", "Show only lines with ", for_="assumption-filter"),
        element(
            "input",
            type="search",
            id="assumption-filter",
            autocomplete="off",
            placeholder="name, source or “assumption”",
        ),
        " ",
        element("output", "", id="assumption-count", for_="assumption-filter"),
        class_="control scripted",
    )
    heads = ("Quantity", "Value", "Low to high", "Confidence", "Source")
    top = element("thead", element("tr", *(element("th", head, scope="col") for head in heads)))
    body = element("tbody", *(_assumption(quantity) for quantity in given), id="assumption-rows")
    table = element(
        "table", element("caption", "Numbers, their ranges and sources"), top, body, class_="plain assumptions"
    )
    return joined(
        element("p", said),
        element(
            "details",
            element("summary", f"All {counted(len(given), 'number')} with their sources"),
            control,
            element("div", table, class_="wide", tabindex=0, role="region", aria_label="Assumptions and sources"),
        ),
    )


def is_assumption(quantity: Document) -> bool:
    """True where no public source stands behind a number."""
    return quantity["source"].lower().startswith("assumption")


def is_drawn(quantity: Document) -> bool:
    """True where replicates differ in a number."""
    return quantity["low"] < quantity["high"]


def _assumption(quantity: Document) -> Markup:
    span = f"{plain(quantity['low'])} to {plain(quantity['high'])}" if is_drawn(quantity) else FIXED
    mark = element("strong", "assumption", class_="mark") if is_assumption(quantity) else None
    source = quantity["source"]
    if mark is not None:
        source = source[len("assumption") :].strip()
    kind, _, rest = quantity["name"].partition("/")
    return element(
        "tr",
        element("td", element("small", f"{kind} "), rest.replace("/", " · ").replace("_", " ")),
        element("td", plain(quantity["value"])),
        element("td", span),
        element("td", quantity["confidence"] or DASH),
        element("td", joined(mark, " ", source) if mark else source),
        class_="assumed" if mark else None,
    )
