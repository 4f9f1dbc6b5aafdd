"""The answer in plain words, composed from the numbers: what cooperation buys each side, the same words for each."""

from typing import Any

from detente.report.markup import Markup, element, joined
from detente.report.saved import BASELINE, Saved
from detente.report.words import DASH, Scale, Verdict, counted, decimal, label, listed, scales, verdict

HEADLINE = ("warning_time_s", "territory_defended_fraction", "leakage_fraction")
FIRST_CHOICE = "cooperating"
SHORT_S = 120.0  # below this, seconds read better than minutes


def headline_architecture(saved: Saved) -> str | None:
    """The architecture the answer speaks of: two independent systems that cooperate, else the last one compared."""
    others = [name for name in saved.architectures if name != BASELINE]
    return FIRST_CHOICE if FIRST_CHOICE in others else (others[-1] if others else None)


def answer(saved: Saved) -> Markup:
    """The paragraph at the top of the page, one list item a side, and what bounds it."""
    chosen = headline_architecture(saved)
    if chosen is None or BASELINE not in saved.architectures:
        return element("p", "This study compares nothing with two systems alone: see the study table below.", class_="lead")
    meaning = next(a["meaning"] for a in saved.about["architectures"] if a["name"] == chosen)
    lead = joined(
        "Over ", element("strong", counted(saved.replicates, "simulated world")), " of the same raid, with the same chance in each, ",
        element("strong", f"“{chosen}”"), f" ({meaning}) is compared with {listed(saved.sides)} each alone.",
    )  # fmt: skip
    metrics = {metric["name"]: metric for metric in saved.metrics}
    items = [
        element("li", element("span", side, class_=f"side side-{index}"), " ", *_sentences(saved, chosen, side, metrics))
        for index, side in enumerate(saved.sides)
    ]
    return joined(
        element("p", lead, class_="lead"), element("ul", *items, class_="answers"), element("p", _bounds(saved, chosen))
    )


def _sentences(saved: Saved, chosen: str, side: str, metrics: dict[str, Any]) -> list[object]:
    said: list[object] = []
    for name, template in _TEMPLATES.items():
        if name not in metrics:
            continue
        there, base = saved.cell(chosen, side, name), saved.cell(BASELINE, side, name)
        if there is None or base is None:
            said.append(f"{label(name)} does not exist for this side in this scenario. ")
            continue
        say = duration if name.endswith("_s") else percent
        found = verdict(saved, chosen, side, metrics[name])
        said += [template.format(with_=say(there["mean"]), alone=say(base["mean"])), ": ", _amount(saved, found, name), ". "]
    return said


_TEMPLATES = {
    "warning_time_s": "is warned of an object that threatens it {with_} before impact on average, against {alone} alone",
    "territory_defended_fraction": "Of the points drawn evenly over its territory, {with_} could be defended at least once, against {alone} alone",
    "leakage_fraction": "Of the objects that threaten it, {with_} are not intercepted, against {alone} alone",
}


def _amount(saved: Saved, found: Verdict, metric: str) -> Markup:
    """What the difference amounts to, with its interval, or that it cannot be told."""
    worlds = counted(saved.replicates, "world")
    if found.kind == "missing":
        return element("strong", "no difference exists")
    if found.kind == "none":
        return element("strong", "no difference in any world")
    if found.low == found.high:
        return joined(element("strong", "cannot be told"), f" from a single world ({difference(found, metric)})")
    if found.kind == "unclear":
        return joined(element("strong", "not distinguishable from zero"), f" in {worlds} ({difference(found, metric)})")
    word = {"better": "a gain of", "worse": "a loss of", "other": "a change of"}[found.kind]
    return joined(element("strong", f"{word} {amount(abs(found.mean), metric)}"), f" (95 % interval {spread(found, metric)})")


def duration(seconds: float) -> str:
    """Seconds below two minutes, else minutes."""
    if abs(seconds) < SHORT_S:
        return f"{decimal(seconds, 0 if abs(seconds) >= 10 else 1)} s"
    return f"{decimal(seconds / 60.0, 1)} min"


def percent(share: float) -> str:
    """A share of one in percent."""
    return f"{decimal(100.0 * share, 1)} %"


def amount(size: float, metric: str) -> str:
    """The size of a difference with its unit: time, or points of a percentage."""
    return duration(size) if metric.endswith("_s") else f"{decimal(100.0 * size, 1)} points"


def spread(found: Verdict, metric: str) -> str:
    """The interval of a difference as sizes in the direction of its mean: 25 to 39 s."""
    low, high = sorted((abs(found.low), abs(found.high)))
    return _span(low, high, metric)


def difference(found: Verdict, metric: str) -> str:
    """The interval of a difference with its signs: −1.2 to +0.4 points."""
    return _span(found.low, found.high, metric, signed=True)


def _span(low: float, high: float, metric: str, *, signed: bool = False) -> str:
    if metric.endswith("_s"):
        long = max(abs(low), abs(high)) >= SHORT_S
        scale = Scale(factor=1 / 60 if long else 1.0, digits=1, unit="", difference_unit="min" if long else "s")
    else:
        scale = Scale(factor=100.0, digits=1, unit="", difference_unit="points")
    write = scale.signed if signed else scale.number
    return f"{write(low)} to {write(high)} {scale.difference_unit}"


def _bounds(saved: Saved, chosen: str) -> Markup:
    """What the intervals are and what they are not, with one number that shows it for each side."""
    parts = []
    for side in saved.sides:
        envelope = saved.envelope(chosen, side, "warning_time_s")
        if envelope is not None:
            parts.append(f"from {duration(envelope[0])} to {duration(envelope[1])} for {side}")
    shown = f" Nine in ten worlds had a mean warning time {listed(parts)}." if parts else ""
    return joined(
        "The intervals are sampling error: what more worlds would narrow. The public numbers behind the worlds are much "
        "less certain than that, and no number of worlds narrows them.", shown,
        " All of it holds for this raid, these sensors and these interceptors only.",
    )  # fmt: skip


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
        "caption", "At a glance: ▲ better and ▼ worse than alone where the 95 % interval of the paired difference excludes "
        "zero; ≈ not distinguishable; = the same in every world. The row “alone” gives the values themselves.",
    )  # fmt: skip
    table = element(
        "table", caption, element("thead", element("tr", *top), element("tr", *under)), element("tbody", *rows),
        class_="glance",
    )  # fmt: skip
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
        sign, words = {"missing": (DASH, "does not exist"), "none": ("=", "the same in every world")}.get(
            found.kind, ("≈", "not distinguishable")
        )
        return element("td", element("span", sign, title=words, aria_label=words), class_=classes + "quiet")
    sign = {"better": "▲", "worse": "▼", "other": "●"}[found.kind]
    return element(
        "td", element("span", sign, class_="sign", aria_label=found.kind), f" {scale.signed(found.mean)} ",
        element("small", scale.difference_unit), class_=classes + found.kind,
    )  # fmt: skip
