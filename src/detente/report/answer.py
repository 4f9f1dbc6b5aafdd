"""The answer in plain words, composed from the numbers: what cooperation buys each side, the same words for each."""

from detente.report import objectwise
from detente.report.markup import Markup, element, joined
from detente.report.saved import BASELINE, Document, Saved
from detente.report.tables import JUDGED
from detente.report.words import DASH, NARROW, Scale, Verdict, counted, judged, label, listed, scales, verdict

HEADLINE = ("warning_time_s", "territory_defended_fraction", "leakage_fraction")
FIRST_CHOICE = "cooperating"
FEW_WORLDS = 30
FEW_OBJECTS = 0.05  # of those that threaten a side: a change that rests on fewer is said to
LONG_S, TELLING_S = 120.0, 60.0  # minutes read better above the one, and can show a difference above the other

TITLES = {"warning_time_s": "Warning.", "territory_defended_fraction": "Ground.", "leakage_fraction": "Leakage."}
WAYS = {
    "warning_time_s": ("longer", "shorter"),
    "territory_defended_fraction": ("more", "less"),
    "leakage_fraction": ("more", "less"),
}
TEMPLATES = {
    "warning_time_s": "An object that threatens it is warned of {values} before impact on average",
    "territory_defended_fraction": (
        "Of aim points drawn evenly over the ground of its territory that the missile reaches, {values} have at least "
        "one opportunity to engage"
    ),
    "leakage_fraction": "Of the objects that threaten it, {values} are not intercepted",
}


def headline_architecture(saved: Saved) -> str | None:
    """The architecture the answer speaks of: two independent systems that cooperate, else the last one compared."""
    others = [name for name in saved.architectures if name != BASELINE]
    return FIRST_CHOICE if FIRST_CHOICE in others else (others[-1] if others else None)


def answer(saved: Saved) -> Markup:
    """The paragraph at the top of the page, one list item a side, and what bounds it."""
    chosen = headline_architecture(saved)
    if BASELINE not in saved.architectures:
        return element(
            "p",
            "This study does not list the systems alone, so that no answer stands here: see the study table for its "
            "values and for the differences to alone.",
            class_="lead",
        )
    worlds = element("strong", counted(saved.replicates, "simulated world"))
    if chosen is None:
        lead = joined("Flown over ", worlds, f": {listed(saved.sides)} each alone, with no exchange. ", _NOTHING)
    else:
        meaning = next(a["meaning"] for a in saved.about["architectures"] if a["name"] == chosen)
        lead = joined(
            "Compared over ",
            worlds,
            f" of the same raid, with the same random draws: {listed(saved.sides)} each alone, and ",
            element("strong", f"“{chosen}”"),
            f" – {meaning}.",
        )
    metrics = {metric["name"]: metric for metric in saved.metrics}
    items = [
        element("li", element("h3", side, class_=f"side side-{index}"), *_sentences(saved, chosen, index, metrics))
        for index, side in enumerate(saved.sides)
    ]
    return joined(
        element("p", lead, class_="lead"),
        element("ul", *items, class_="answers"),
        element("p", _bounds(saved, chosen or BASELINE)),
    )


_NOTHING = "There is nothing to compare: what cooperation buys needs a study with another architecture."


def _sentences(saved: Saved, chosen: str | None, index: int, metrics: dict[str, Document]) -> list[Markup | None]:
    """One paragraph a measure, in the same words for every side."""
    said: list[Markup | None] = []
    side = saved.sides[index]
    for name, template in TEMPLATES.items():
        if name not in metrics:
            continue
        title = element("span", TITLES[name], class_="measure")
        there, base = saved.cell(chosen or BASELINE, side, name), saved.cell(BASELINE, side, name)
        if there is None or base is None:
            said.append(element("p", title, f" {label(name)}: nothing in this study to measure it on."))
            continue
        if chosen is None:
            value = in_words(name, base["mean"]).with_unit(base["mean"])
            said.append(element("p", title, f" {template.format(values=value)}."))
            continue
        found = verdict(saved, chosen, side, metrics[name])
        scale = _common_scale(saved, chosen, name, metrics[name])
        values, amount = _both(there["mean"], base["mean"], scale), _amount(saved, found, name, scale)
        said.append(element("p", title, f" {template.format(values=values)}: ", amount, "."))
        if name == "warning_time_s":
            said.append(_pointed_rightly(saved, chosen, index))
        if name == "leakage_fraction":
            said.append(_whose(saved, chosen, index))
    return said


def _both(there: float, base: float, scale: Scale) -> str:
    return f"{scale.with_unit(there)} (alone: {scale.with_unit(base)})"


def _common_scale(saved: Saved, chosen: str, name: str, metric: Document) -> Scale:
    """One unit for all sides: they stand beside one another."""
    cells = [saved.cell(architecture, side, name) for architecture in (chosen, BASELINE) for side in saved.sides]
    verdicts = [verdict(saved, chosen, side, metric) for side in saved.sides]
    return in_words(name, max(cell["mean"] for cell in cells if cell is not None), *verdicts)


def _pointed_rightly(saved: Saved, chosen: str, side: int) -> Markup | None:
    """The warning time again, from the first statement, warning or correction, that says rightly where."""
    found = [_useful(saved, chosen, index) for index in range(len(saved.sides))]
    mine = found[side]
    if mine is None:
        return None
    there, base, change = mine
    sides = [one for one in found if one is not None]
    scale = in_words("warning_time_s", max(max(one[:2]) for one in sides), *(one[2] for one in sides))
    values, amount = _both(there, base, scale), _amount(saved, change, "warning_time_s", scale)
    return element(
        "p",
        "Counting from the first statement, warning or later correction, that says to within "
        f"{objectwise.NEAR_KM:.0f}{NARROW}km where it will land, and is right: {values}, ",
        amount,
        ".",
    )


def _useful(saved: Saved, chosen: str, side: int) -> tuple[float, float, Verdict] | None:
    """A side's useful warning time there and alone, s, and what is to be said of the difference."""
    there, change = objectwise.useful_warning(saved, chosen, side)
    base, _ = objectwise.useful_warning(saved, BASELINE, side)
    if there is None or base is None or change is None:
        return None
    return there.mean, base.mean, judged(change.mean, change.low, change.high, single=change.n < 2, better=1)


def _whose(saved: Saved, chosen: str, side: int) -> Markup:
    """Which objects a change of leakage is about, so that nobody takes a few for many."""
    found = objectwise.changed(saved, chosen, side)
    gained, lost = sum(found.gained.values()), sum(found.lost.values())
    if gained + lost == 0:
        return element("p", f"Every one of {counted(found.of, 'object')} fares as it does alone.")
    few = "few objects" if gained + lost <= FEW_OBJECTS * found.of else "these objects"
    return element(
        "p",
        f"It rests on {few}: of {found.of:,} in all, {gained:,} intercepted only under “{chosen}”"
        f"{_aimed(found.gained)} and {lost:,} only alone{_aimed(found.lost)}.",
    )


def _aimed(kinds: dict[int, int]) -> str:
    """Numbers by what was aimed at, in brackets."""
    parts = [f"{objectwise.AIMS[kind]} {count:,}" for kind, count in sorted(kinds.items())]
    return f" ({', '.join(parts)})" if parts else ""


def _amount(saved: Saved, found: Verdict, metric: str, scale: Scale) -> Markup:
    """What the difference amounts to, with its interval, or that it cannot be told."""
    if found.kind == "missing":
        return element("strong", "no difference exists")
    if found.kind == "none":
        return element("strong", "no difference in any world")
    signed = f"{scale.signed(found.mean)}{NARROW}{scale.difference_unit}"
    if found.kind == "single" and not found.mean:
        return element("strong", "no difference in this world")
    if found.kind == "single":
        return joined(signed, ", ", element("strong", "a difference that one world cannot tell from chance"))
    if found.kind == "unclear":
        told = element("strong", "a difference not distinguishable from zero")
        return joined(told, f" from {counted(saved.replicates, 'world')} ({difference(found, scale)})")
    more, less = WAYS[metric]
    said = f"{scale.number(abs(found.mean))}{NARROW}{scale.difference_unit} {more if found.mean > 0 else less}"
    return joined(element("strong", said), f" (95{NARROW}% interval {spread(found, scale)})")


def in_words(metric: str, largest: float, *changes: Verdict) -> Scale:
    """How a metric is written in a sentence, and differences of it too: one unit for all that stands together."""
    if not metric.endswith("_s"):
        return Scale(factor=100.0, digits=1, unit="%", difference_unit="points")
    if largest < LONG_S or not all(_shows_in_minutes(change) for change in changes):
        return Scale(factor=1.0, digits=0 if largest >= 10.0 else 1, unit="s", difference_unit="s")
    return Scale(factor=1.0 / 60.0, digits=1, unit="min", difference_unit="min")


def _shows_in_minutes(change: Verdict) -> bool:
    """False where a tenth of a minute is too coarse for the difference or for an end of its interval."""
    if change.kind in ("none", "missing"):
        return True  # there is nothing to show
    ends = sorted((abs(change.low), abs(change.high)))
    return ends[1] >= TELLING_S and (change.kind == "unclear" or ends[0] >= 0.1 * TELLING_S)


def duration(seconds: float) -> str:
    """Seconds below two minutes, else minutes."""
    return in_words("time_s", abs(seconds)).with_unit(seconds)


def spread(found: Verdict, scale: Scale) -> str:
    """The interval of a difference as sizes in the direction of its mean: 25 to 39 s."""
    low, high = sorted((abs(found.low), abs(found.high)))
    return f"{scale.number(low)} to {scale.number(high)}{NARROW}{scale.difference_unit}"


def difference(found: Verdict, scale: Scale) -> str:
    """The interval of a difference with its signs: −1.2 to +0.4 points."""
    return f"{scale.signed(found.low)} to {scale.signed(found.high)}{NARROW}{scale.difference_unit}"


def _bounds(saved: Saved, named: str) -> Markup:
    """What the intervals are and what they are not, with one number that shows it for each side."""
    holds = "All of it holds for this raid, these sensors and these interceptors only."
    if saved.replicates < 2:
        return joined(
            "One world shows what can happen, not how often: nothing here can be told from chance, and no interval is "
            f"given. {holds}"
        )
    parts = []
    for side in saved.sides:
        envelope = saved.envelope(named, side, "warning_time_s")
        if envelope is not None:
            scale = in_words("warning_time_s", max(envelope))
            parts.append(f"from {scale.number(envelope[0])} to {scale.with_unit(envelope[1])} for {side}")
    few = (
        f" {saved.replicates} worlds are few: a difference called not distinguishable from zero may well be there, and "
        "more worlds would show it."
        if saved.replicates < FEW_WORLDS and saved.compares
        else ""
    )
    shown = f" Under “{named}”, nine in ten worlds had a mean warning time {listed(parts)}." if parts else ""
    return joined(
        "The intervals are sampling error: what more worlds would narrow. The public numbers behind the worlds are "
        f"much less certain than that, and no number of worlds narrows them.{shown}{few} {holds}"
    )


def glance(saved: Saved) -> Markup:
    """The answer as a small table: what each architecture changes for each side, and whether that can be told."""
    if not saved.compares:
        return Markup("")
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
        "At a glance: the difference to alone in the same worlds, which no single world can tell from chance. The row "
        "“alone” gives the values themselves."
        if saved.replicates < 2
        else "At a glance: the difference to alone in the same worlds, printed where its 95 % interval excludes zero; "
        "“unclear” where it does not, “same” where it is zero in every world. The row “alone” gives the values "
        "themselves.",
    )
    table = element(
        "table",
        caption,
        element("thead", element("tr", *top), element("tr", *under)),
        element("tbody", *rows),
        class_="glance" if len(saved.sides) < 3 else "glance many",
    )
    return element("div", table, class_="wide", tabindex=0, role="region", aria_label="At a glance")


def _short(metric: str) -> str:
    return {"territory_defended_fraction": "Territory defended"}.get(metric, label(metric))


def _glance_cell(saved: Saved, architecture: str, side: str, metric: Document, scale: Scale, *, first: bool) -> Markup:
    classes = "first " if first else ""
    cell = saved.cell(architecture, side, metric["name"])
    if cell is None:
        return element("td", DASH, class_=classes)
    if architecture == BASELINE:
        return element("td", f"{scale.number(cell['mean'])} {scale.unit}", class_=classes + "base")
    found = verdict(saved, architecture, side, metric)
    if metric["name"].endswith("_s") and scale.number(found.mean) == "0":
        scale = in_words(metric["name"], abs(found.mean))
    if found.kind == "single":
        return element("td", f"{scale.signed(found.mean)} {scale.difference_unit}", class_=classes + "quiet")
    if found.kind in ("missing", "none", "unclear"):
        words = {"missing": DASH, "none": "same"}.get(found.kind, "unclear")
        return element("td", words, class_=classes + "quiet")
    judged = element("small", JUDGED[found.kind], class_="judged") if JUDGED[found.kind] else None
    return element("td", f"{scale.signed(found.mean)} {scale.difference_unit}", judged, class_=classes + found.kind)
