"""The study table as HTML: every metric of every architecture, with sampling error inside the assumption envelope."""

from detente.report.markup import Markup, element, joined
from detente.report.saved import ALL, BASELINE, Document, Saved
from detente.report.words import DASH, Scale, grouped, label, possible, scales, shown_interval, verdict

BAR_WIDTH = 100.0
JUDGED = {"better": "better", "worse": "worse", "other": ""}
OTHER_OBJECTS = ("launch_point_error_km", "impact_point_error_km")
"""Means over the objects warned of, which are others under every architecture."""


def study_tables(saved: Saved) -> Markup:
    """One table a side and one for all, behind tabs that work without scripts; on paper all of them."""
    scale = scales(saved)
    columns = [*saved.sides, ALL]
    inputs, labels, panels = [], [], []
    for index, side in enumerate(columns):
        title = "All sides" if side == ALL else side
        inputs.append(
            element(
                "input",
                type="radio",
                name="study-side",
                id=f"tab-{index}",
                class_=f"tab tab-{index}",
                checked=index == 0,
            )
        )
        hue = "" if side == ALL else f" side-{index}"
        labels.append(element("label", title, for_=f"tab-{index}", class_=f"tab-label tab-label-{index}{hue}"))
        panels.append(
            element(
                "div",
                _table(saved, side, title, scale),
                class_=f"panel panel-{index} wide",
                tabindex=0,
                role="region",
                aria_label=f"Study table: {title}",
            )
        )
    choose = element("div", *labels, class_="tab-labels")
    return element(
        "fieldset",
        element("legend", "Study table of", class_="visually-hidden"),
        *inputs,
        choose,
        *panels,
        class_="tabs",
    )


def _table(saved: Saved, side: str, title: str, scale: dict[str, Scale]) -> Markup:
    head = element(
        "tr",
        element("th", "Metric", scope="col"),
        *(element("th", name, scope="col", class_="architecture") for name in saved.architectures),
    )
    bodies = []
    for group, metrics in grouped(saved.metrics):
        heading = element(
            "tr", element("th", group, colspan=len(saved.architectures) + 1, scope="rowgroup"), class_="group"
        )
        rows = [_row(saved, side, metric, scale[metric["name"]]) for metric in metrics]
        bodies.append(element("tbody", heading, *rows))
    return element("table", element("caption", title), element("thead", head), *bodies, class_="study")


def _row(saved: Saved, side: str, metric: Document, scale: Scale) -> Markup:
    name = metric["name"]
    about = f"{metric['about']}{_wish(metric)}"
    head = element(
        "th",
        element("span", label(name), class_="metric", title=about),
        element("sup", "b") if name in OTHER_OBJECTS and saved.compares else None,
        element("small", _unit(metric, scale)),
        scope="row",
        class_="part" if name.startswith("own_") else None,
    )
    axis = _axis(saved, metric)
    return element(
        "tr", head, *(_cell(saved, architecture, side, metric, scale, axis) for architecture in saved.architectures)
    )


def _wish(metric: Document) -> str:
    return {1: "; more is better", -1: "; less is better"}.get(metric["better"], "")


def _unit(metric: Document, scale: Scale) -> str:
    return scale.unit or ("count" if metric["name"].endswith("messages") else "ratio")


def _axis(saved: Saved, metric: Document) -> tuple[float, float]:
    """The span that all bars of one metric share, over every side, so that tables can be compared."""
    ends, name = [0.0], metric["name"]
    for architecture in saved.architectures:
        for side in (*saved.sides, ALL):
            cell, envelope = saved.cell(architecture, side, name), saved.envelope(architecture, side, name)
            ends += [] if cell is None else possible(metric, (cell["low"], cell["high"]))
            ends += envelope or []
    low, high = min(ends), max(ends)
    return (low, high) if high > low else (low, low + 1.0)


def _cell(
    saved: Saved, architecture: str, side: str, metric: Document, scale: Scale, axis: tuple[float, float]
) -> Markup:
    name = metric["name"]
    cell = saved.cell(architecture, side, name)
    if cell is None:
        return element("td", DASH, element("sup", "a"), class_="none", title="does not exist in this study")
    return element(
        "td",
        element("span", scale.number(cell["mean"]), class_="mean"),
        element("span", shown_interval(metric, cell, scale), class_="interval"),
        bar(metric, cell, saved.envelope(architecture, side, name), axis, scale),
        _change(saved, architecture, side, metric, scale),
        data_mean=cell["mean"],
        data_metric=name,
        data_architecture=architecture,
        data_side=side,
    )


def bar(
    metric: Document, cell: Document, envelope: list[float] | None, axis: tuple[float, float], scale: Scale
) -> Markup:
    """A thin bar, the 95 % interval, inside a wide one, 5th to 95th percentile of worlds; a tick at the mean.

    One world has neither bar.
    """

    def span(ends: tuple[float, float], top: float, class_: str) -> Markup:
        left, right = place(ends[0]), place(ends[1])
        width = round(max(right - left, 0.6), 2)
        return element("rect", x=left, y=top, width=width, height=12 - 2 * top, class_=class_)

    def place(value: float) -> float:
        return round(min(max((value - axis[0]) / (axis[1] - axis[0]), 0.0), 1.0) * BAR_WIDTH, 2)

    shapes = [element("rect", x=0, y=5.5, width=100, height=1, class_="axis")]
    words = [f"mean {scale.number(cell['mean'])} {scale.unit}"]
    if cell["n"] > 1:
        if envelope is not None:
            shapes.append(span((envelope[0], envelope[1]), 1, "envelope"))
            words.append(f"nine in ten worlds {scale.number(envelope[0])} to {scale.number(envelope[1])} {scale.unit}")
        shapes.append(span(possible(metric, (cell["low"], cell["high"])), 3.5, "error"))
        words.insert(1, f"95 % interval {shown_interval(metric, cell, scale)}")
    shapes.append(element("rect", x=round(place(cell["mean"]) - 0.6, 2), y=0, width=1.2, height=12, class_="at"))
    said = "; ".join(words)
    return element(
        "svg",
        element("title", said),
        *shapes,
        viewBox="0 0 100 12",
        preserveAspectRatio="none",
        class_="bar",
        role="img",
    )


def _change(saved: Saved, architecture: str, side: str, metric: Document, scale: Scale) -> Markup | None:
    """The paired difference to ``alone``: in full where it can be told from zero, quietly where not."""
    if not saved.compares:
        return None
    if architecture == BASELINE:
        return element("span", "baseline", class_="change quiet")
    found = verdict(saved, architecture, side, metric)
    if found.kind == "missing":
        return element("span", DASH, class_="change quiet")
    if found.kind == "none":
        return element("span", "same as alone", class_="change quiet")
    if found.kind == "single":
        return element("span", scale.signed(found.mean), class_="change quiet")
    span = f"{scale.signed(found.low)} to {scale.signed(found.high)}"
    if found.kind == "unclear":
        return element("span", "unclear: ", element("small", span), class_="change quiet")
    amount = element("span", f"{scale.signed(found.mean)} {JUDGED[found.kind]}".rstrip(), class_="amount")
    return element("span", amount, element("small", span), class_=f"change {found.kind}")


def reading_guide(saved: Saved) -> Markup:
    """How to read a cell, and the footnotes."""
    metric: Document = {"is_fraction": False}
    cell: Document = {"mean": 50.0, "low": 45.0, "high": 55.0, "n": 2}
    plain = Scale(factor=1, digits=0, unit="", difference_unit="")
    shown = element("span", bar(metric, cell, [20.0, 85.0], (0.0, 100.0), plain), class_="inline-bar")
    if saved.replicates < 2:
        last = " The last line of a cell is its difference to alone." if saved.compares else ""
        return joined(element("p", _ONE_WORLD, last, class_="guide"), *_footnotes(saved))
    differences = " and the paired difference to alone" if saved.compares else ""
    return joined(
        element(
            "p",
            f"In each cell: the mean over worlds, its 95 % interval, a bar{differences}. ",
            shown,
            " The dark bar is the sampling error (95 % interval), the pale one the envelope of assumptions and chance "
            "(5th to 95th percentile of worlds); bars of one metric share one scale from the smallest to the largest "
            "value, zero included, in all tables. ",
            _DIFFERENCES if saved.compares else None,
            class_="guide",
        ),
        *_footnotes(saved),
    )


_ONE_WORLD = (
    "One world was flown, and these are its values. One world gives no interval and tells no difference from chance: "
    f"where an interval would stand there is {DASH}."
)
_DIFFERENCES = (
    "A difference is printed in bold, and called better or worse where one can be said, if its interval excludes zero. "
    "“Unclear” is a difference whose interval, printed with it, holds zero: there may be one or none. “Same as alone” "
    "is a difference of exactly zero in every world. Differences are taken within each world, so they can be told "
    "even where intervals overlap. With this many comparisons about one in twenty would be marked by chance alone."
)


def _footnotes(saved: Saved) -> list[Markup]:
    """What is missing, whose means are over other objects, and where intervals are cut."""
    notes = []
    if _has_missing(saved):
        notes.append(
            joined(
                element("sup", "a"),
                f" {DASH} means that the quantity does not exist, for instance an error of warnings where nothing was "
                "warned of. Objects that were never warned of count as 0 s of warning.",
            )
        )
    if saved.compares:
        notes.append(
            joined(
                element("sup", "b"),
                " At the first warning, and over the objects warned of. Two reasons can make it worse where warning "
                "is better: an earlier first warning rests on fewer measurements, and more objects are warned of. ",
                element("a", "A closer look", href="#closer"),
                " compares the same objects." if BASELINE in saved.architectures else " says more.",
            )
        )
    if saved.replicates > 1:
        notes.append(
            joined(
                "Intervals are shown as far as the quantity can go: shares from 0 to 100 %, times, distances and "
                "counts from 0 up. The tables beside this page hold them uncut."
            )
        )
    return [element("p", note, class_="footnote") for note in notes]


def _has_missing(saved: Saved) -> bool:
    each = saved.study["architectures"].values()
    return any(cell is None for sides in each for cells in sides.values() for cell in cells.values())


def glossary(saved: Saved) -> Markup:
    """Every metric's definition, in the order of the table."""
    items = []
    for metric in saved.metrics:
        wish = {1: "More is better.", -1: "Less is better."}.get(metric["better"], "Neither more nor less is better.")
        about = metric["about"][:1].upper() + metric["about"][1:]
        items.append(element("dt", label(metric["name"]), " ", element("code", metric["name"])))
        items.append(element("dd", f"{about}. {wish}"))
    return element("dl", *items, class_="glossary")
