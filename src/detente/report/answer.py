"""The answer in plain words, composed from the numbers: what cooperation buys each side, the same words for each."""

from typing import Any

from detente.report.markup import Markup, element, joined
from detente.report.saved import BASELINE, Saved
from detente.report.tables import JUDGED
from detente.report.words import DASH, NARROW, Scale, Verdict, counted, label, listed, scales, verdict

HEADLINE = ("warning_time_s", "territory_defended_fraction", "leakage_fraction")
FIRST_CHOICE = "cooperating"
FEW_WORLDS = 30
SHORT_S = 120.0  # below this, seconds read better than minutes


def headline_architecture(saved: Saved) -> str | None:
    """The architecture the answer speaks of: two independent systems that cooperate, else the last one compared."""
    others = [name for name in saved.architectures if name != BASELINE]
    return FIRST_CHOICE if FIRST_CHOICE in others else (others[-1] if others else None)


def answer(saved: Saved) -> Markup:
    """The paragraph at the top of the page, one list item a side, and what bounds it."""
    chosen = headline_architecture(saved)
    if chosen is None or BASELINE not in saved.architectures:
        return element(
            "p", "This study compares nothing with two systems alone: see the study table below.", class_="lead"
        )
    meaning = next(a["meaning"] for a in saved.about["architectures"] if a["name"] == chosen)
    lead = joined(
        "Compared over ",
        element("strong", counted(saved.replicates, "simulated world")),
        f" of the same raid, with the same random draws: {listed(saved.sides)} each alone, and ",
        element("strong", f"“{chosen}”"),
        f" – {meaning}.",
    )
    metrics = {metric["name"]: metric for metric in saved.metrics}
    items = [
        element("li", element("h3", side, class_=f"side side-{index}"), *_sentences(saved, chosen, side, metrics))
        for index, side in enumerate(saved.sides)
    ]
    return joined(
        element("p", lead, class_="lead"), element("ul", *items, class_="answers"), element("p", _bounds(saved, chosen))
    )


def _sentences(saved: Saved, chosen: str, side: str, metrics: dict[str, Any]) -> list[Markup]:
    """One paragraph a measure, in the same words for every side."""
    said: list[Markup] = []
    for name, template in _TEMPLATES.items():
        if name not in metrics:
            continue
        there, base = saved.cell(chosen, side, name), saved.cell(BASELINE, side, name)
        if there is None or base is None:
            said.append(element("p", f"{label(name)}: does not exist for this side in this study."))
            continue
        scale = in_words(name, max(there["mean"], base["mean"]))
        with_, alone = (f"{scale.number(cell['mean'])}{NARROW}{scale.unit}" for cell in (there, base))
        found = verdict(saved, chosen, side, metrics[name])
        values = template.format(with_=with_, alone=alone)
        said.append(
            element(
                "p", element("span", TITLES[name], class_="measure"), f" {values}: ", _amount(saved, found, name), "."
            )
        )
    return said


TITLES = {"warning_time_s": "Warning.", "territory_defended_fraction": "Ground.", "leakage_fraction": "Leakage."}
WAYS = {
    "warning_time_s": ("longer", "shorter"),
    "territory_defended_fraction": ("more", "less"),
    "leakage_fraction": ("more", "less"),
}
_TEMPLATES = {
    "warning_time_s": "An object that threatens it is warned of {with_} before impact on average, {alone} alone",
    "territory_defended_fraction": (
        "Of aim points drawn evenly over its territory, {with_} have at least one opportunity to engage, {alone} alone"
    ),
    "leakage_fraction": "Of the objects that threaten it, {with_} are not intercepted, {alone} alone",
}


def _amount(saved: Saved, found: Verdict, metric: str) -> Markup:
    """What the difference amounts to, with its interval, or that it cannot be told."""
    worlds = counted(saved.replicates, "world")
    scale = in_words(metric, max(abs(found.low), abs(found.high)))
    if found.kind == "missing":
        return element("strong", "no difference exists")
    if found.kind == "none":
        return element("strong", "no difference in any world")
    if found.kind == "unclear":
        told = (
            "a difference not distinguishable from zero"
            if found.low < found.high
            else "a difference that cannot be told"
        )
        return joined(element("strong", told), f" from {worlds} ({difference(found, scale)})")
    more, less = WAYS[metric]
    said = f"{scale.number(abs(found.mean))}{NARROW}{scale.difference_unit} {more if found.mean > 0 else less}"
    return joined(element("strong", said), f" (95{NARROW}% interval {spread(found, scale)})")


def in_words(metric: str, largest: float) -> Scale:
    """How a metric and its difference are written in a sentence: one unit for all that stands together."""
    if not metric.endswith("_s"):
        return Scale(factor=100.0, digits=1, unit="%", difference_unit="points")
    if largest < SHORT_S:
        return Scale(factor=1.0, digits=0 if largest >= 10.0 else 1, unit="s", difference_unit="s")
    return Scale(factor=1.0 / 60.0, digits=1, unit="min", difference_unit="min")


def duration(seconds: float) -> str:
    """Seconds below two minutes, else minutes."""
    scale = in_words("time_s", abs(seconds))
    return f"{scale.number(seconds)}{NARROW}{scale.unit}"


def spread(found: Verdict, scale: Scale) -> str:
    """The interval of a difference as sizes in the direction of its mean: 25 to 39 s."""
    low, high = sorted((abs(found.low), abs(found.high)))
    return f"{scale.number(low)} to {scale.number(high)}{NARROW}{scale.difference_unit}"


def difference(found: Verdict, scale: Scale) -> str:
    """The interval of a difference with its signs: −1.2 to +0.4 points."""
    return f"{scale.signed(found.low)} to {scale.signed(found.high)}{NARROW}{scale.difference_unit}"


def _bounds(saved: Saved, chosen: str) -> Markup:
    """What the intervals are and what they are not, with one number that shows it for each side."""
    parts = []
    for side in saved.sides:
        envelope = saved.envelope(chosen, side, "warning_time_s")
        if envelope is not None:
            parts.append(f"from {duration(envelope[0])} to {duration(envelope[1])} for {side}")
    few = " So few worlds leave many real differences untold." if saved.replicates < FEW_WORLDS else ""
    shown = f" Nine in ten worlds had a mean warning time {listed(parts)}." if parts else ""
    return joined(
        "The intervals are sampling error: what more worlds would narrow. The public numbers behind the worlds are "
        "much less certain than that, and no number of worlds narrows them.",
        shown,
        few,
        " All of it holds for this raid, these sensors and these interceptors only.",
    )


def glance(saved: Saved) -> Markup:
    """The answer as a small table: what each architecture changes for each side, and whether that can be told."""
    metrics = [metric for metric in saved.metrics if metric["name"] in HEADLINE]
    scale = scales(saved)
    top = [element("th", "Compared with alone", rowspan=2, scope="col")]
    top += [
        element("th", side, colspan=len(metrics), scope="colgroup", class_=f"group side-{index}")
        for index, side in enumerate(saved.sides)
    ]
    under = [element("th", _short(m["name"]), scope="col") for _ in saved.sides for m in metrics]
    rows = []
    for architecture in saved.about["architectures"]:
        name = architecture["name"]
        head = element("th", name, element("small", architecture["meaning"]), scope="row")
        cells = [
            _glance_cell(saved, name, side, metric, scale[metric["name"]], first=k == 0)
            for side in saved.sides
            for k, metric in enumerate(metrics)
        ]
        rows.append(element("tr", head, *cells))
    caption = element(
        "caption",
        "At a glance: the difference to alone in the same worlds, printed where its 95 % interval excludes zero; "
        "“unclear” where it does not, “same” where it is zero in every world. The row “alone” gives the values "
        "themselves.",
    )
    table = element(
        "table",
        caption,
        element("thead", element("tr", *top), element("tr", *under)),
        element("tbody", *rows),
        class_="glance",
    )
    return element("div", table, class_="wide", tabindex=0, role="region", aria_label="At a glance")


def _short(metric: str) -> str:
    return {"territory_defended_fraction": "Territory defended"}.get(metric, label(metric))


def _glance_cell(
    saved: Saved, architecture: str, side: str, metric: dict[str, Any], scale: Scale, *, first: bool
) -> Markup:
    classes = "first " if first else ""
    cell = saved.cell(architecture, side, metric["name"])
    if cell is None:
        return element("td", DASH, class_=classes)
    if architecture == BASELINE:
        return element("td", f"{scale.number(cell['mean'])} {scale.unit}", class_=classes + "base")
    found = verdict(saved, architecture, side, metric)
    if found.kind in ("missing", "none", "unclear"):
        words = {"missing": DASH, "none": "same"}.get(found.kind, "unclear")
        return element("td", words, class_=classes + "quiet")
    judged = element("small", JUDGED[found.kind], class_="judged") if JUDGED[found.kind] else None
    return element("td", f"{scale.signed(found.mean)} {scale.difference_unit}", judged, class_=classes + found.kind)
