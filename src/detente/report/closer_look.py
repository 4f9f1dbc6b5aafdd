"""What the means hide: which warnings pointed rightly, whether their ellipses held, whose impacts were stopped."""

from collections.abc import Callable

from detente.report import objectwise
from detente.report.markup import Markup, element, joined
from detente.report.objectwise import FAR_KM, NEAR_KM, Changed, Mean
from detente.report.saved import BASELINE, Saved
from detente.report.tables import JUDGED
from detente.report.words import DASH, NARROW, Scale, counted, decimal, judged

MINUTES = Scale(factor=1.0 / 60.0, digits=1, unit="min", difference_unit="min")
SECONDS = Scale(factor=1.0, digits=0, unit="s", difference_unit="s")
KILOMETRES = Scale(factor=1.0, digits=0, unit="km", difference_unit="km")
Cells = Callable[[str, int], list[Markup]]


def tables(saved: Saved) -> list[Markup]:
    """The section's tables, each with its heading and what it tells."""
    return [
        element("h3", "Warning time, counting only warnings that pointed rightly"),
        element(
            "p",
            "Warning time as defined counts the first warning that names the side's territory, however far off its "
            "impact point is: a first warning may name the right country and the wrong end of it. Here a warning whose "
            f"impact point was farther than {FAR_KM:,.0f}{NARROW}km, or {NEAR_KM:,.0f}{NARROW}km, from the true one "
            "counts as none (0 s). A warning is corrected when what the side knows of the impact has become another: "
            f"the last column counts from the first statement, warning or correction, whose own 95{NARROW}% ellipse "
            f"reaches no farther than {NEAR_KM:,.0f}{NARROW}km and whose middle was that near to the true impact.",
        ),
        _pointing(saved),
        element("h3", "How good were first warnings?"),
        element("p", *_goodness_words(saved)),
        _goodness(saved),
        element("h3", "Whose impacts were not intercepted?"),
        element(
            "p",
            "Objects of all worlds that threaten the side, by what the launch was aimed at. The share is of all such "
            "objects, so that it may differ a little from the mean over worlds above."
            + (
                " In brackets: how many more, and how many fewer, were intercepted than alone."
                if _has_base(saved)
                else ""
            ),
        ),
        _leakage(saved),
    ]


def inside(saved: Saved, name: str, side: int) -> str:
    """Share of first warnings whose 95 % ellipse held the true impact, with their number."""
    count, of = objectwise.held(saved, name, side)
    return f"{decimal(100.0 * count / of, 0)}{NARROW}% of {of:,}" if of else DASH


def _has_base(saved: Saved) -> bool:
    return saved.compares and BASELINE in saved.architectures


def _by_side(saved: Saved, caption: str, heads: list[str], cells: Cells) -> Markup:
    """A row an architecture, the same columns for every side."""
    top = [element("th", "Architecture", rowspan=2, scope="col")]
    top += [
        element("th", side, colspan=len(heads), scope="colgroup", class_=f"group side-{index}")
        for index, side in enumerate(saved.sides)
    ]
    under = [element("th", head, scope="col") for _ in saved.sides for head in heads]
    rows = [
        element(
            "tr",
            element("th", name, scope="row"),
            *(cell for side in range(len(saved.sides)) for cell in cells(name, side)),
        )
        for name in saved.architectures
    ]
    body = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *top), element("tr", *under)),
        element("tbody", *rows),
        class_="glance closer" if len(saved.sides) < 3 else "glance closer many",
    )
    return element("div", body, class_="wide", tabindex=0, role="region", aria_label=caption)


def _pointing(saved: Saved) -> Markup:
    whole = [saved.cell(name, side, "warning_time_s") for name in saved.architectures for side in saved.sides]
    scale = MINUTES if max((cell["mean"] for cell in whole if cell), default=0.0) >= 120.0 else SECONDS

    def cells(name: str, side: int) -> list[Markup]:
        cell = saved.cell(name, saved.sides[side], "warning_time_s")
        found = [element("td", DASH if cell is None else scale.number(cell["mean"]))]
        for within in (FAR_KM, NEAR_KM):
            mean, change = objectwise.good_warning(saved, name, side, within)
            found.append(element("td", DASH if mean is None else scale.number(mean.mean), _change(name, change, scale)))
        mean, change = objectwise.useful_warning(saved, name, side)
        found.append(element("td", DASH if mean is None else scale.number(mean.mean), _change(name, change, scale)))
        return found

    heads = ["as defined", f"≤ {FAR_KM:,.0f} km", f"≤ {NEAR_KM:,.0f} km", "with corrections"]
    says = ""
    if _has_base(saved):
        told = (
            " where its 95 % interval excludes zero"
            if saved.replicates > 1
            else ", which one world cannot tell from chance"
        )
        says = f" Below a value: its difference to alone{told}."
    return _by_side(
        saved,
        f"Mean warning time, {scale.unit}, by how far off the first warning pointed, and with corrections.{says}",
        heads,
        cells,
    )


def _change(name: str, change: Mean | None, scale: Scale) -> Markup | None:
    """The difference of warning time to alone, under its value, where it can be told; else that it cannot."""
    if name == BASELINE or change is None:
        return None
    found = judged(change.mean, change.low, change.high, single=change.n < 2, better=1)
    if found.kind in ("none", "unclear"):
        return element("small", "same" if found.kind == "none" else "unclear", class_="judged quiet")
    shown = f"{scale.signed(found.mean)} {JUDGED.get(found.kind, '')}".rstrip()
    return element("small", shown, class_=f"judged {found.kind}")


def _goodness_words(saved: Saved) -> list[Markup | str]:
    said: list[Markup | str] = [
        "The error of the impact point is that of the first warning: an earlier one rests on fewer measurements and "
        "errs more, and later ones correct it. It is a mean over the objects warned of. ",
        "Each warning states an ellipse that should hold the true impact in 95 of 100 cases; the last column is how "
        "often it did, over all first warnings of all worlds. Below 95 % warnings claim to be surer than they are.",
    ]
    if _has_base(saved):
        said.insert(
            1,
            "As more objects are warned of under some architectures, two such means are not of the same objects; the "
            "column “same objects” is the difference to alone over the objects warned of in both. ",
        )
    return said


def _goodness(saved: Saved) -> Markup:
    compares = _has_base(saved)

    def cells(name: str, side: int) -> list[Markup]:
        mean, change, pairs = objectwise.impact_error_km(saved, name, side)
        found = [element("td", DASH if mean is None else KILOMETRES.number(mean.mean))]
        if compares:
            found.append(element("td", DASH if name == BASELINE or change is None else _same_objects(change, pairs)))
        return [*found, element("td", inside(saved, name, side))]

    heads = ["error, km", "same objects, km", "ellipse held"] if compares else ["error, km", "ellipse held"]
    caption = "Error of the impact point at first warning, and how often the stated 95 % ellipse held the true impact"
    return _by_side(saved, caption, heads, cells)


def _same_objects(change: Mean, pairs: int) -> Markup:
    ends = f"{KILOMETRES.signed(change.low)} to {KILOMETRES.signed(change.high)}, " if change.n > 1 else ""
    under = element("small", f"{ends}{counted(pairs, 'object')}", class_="judged quiet")
    return joined(KILOMETRES.signed(change.mean), under)


def _leakage(saved: Saved) -> Markup:
    heads = ["Side", "Aimed at", "Objects", *saved.architectures]
    rows = []
    for side, title in enumerate(saved.sides):
        others = [name for name in saved.architectures if _has_base(saved) and name != BASELINE]
        moved = {name: objectwise.changed(saved, name, side) for name in others}
        first = True
        for kind in objectwise.kinds(saved):
            _, of = objectwise.leaked(saved, saved.architectures[0], side, kind)
            if not of:
                continue
            name = element("td", title if first else "", class_=f"side-{side}")
            cells = [
                _leakage_cell(objectwise.leaked(saved, name, side, kind), moved.get(name), kind)
                for name in saved.architectures
            ]
            rows.append(element("tr", name, element("td", objectwise.AIMS[kind]), element("td", f"{of:,}"), *cells))
            first = False
    top = element("thead", element("tr", *(element("th", head, scope="col") for head in heads)))
    caption = "Leakage by what was aimed at: share of objects not intercepted"
    body = element("table", element("caption", caption), top, element("tbody", *rows), class_="plain kinds")
    return element("div", body, class_="wide", tabindex=0, role="region", aria_label=caption)


def _leakage_cell(leaked: tuple[int, int], moved: Changed | None, kind: int) -> Markup:
    count, of = leaked
    share = f"{decimal(100.0 * count / of, 1)} %"
    if moved is None:
        return element("td", share)
    both = ((moved.gained.get(kind, 0), "more"), (moved.lost.get(kind, 0), "fewer"))
    parts = [f"{number:,} {word}" for number, word in both if number]
    return element("td", share, " ", element("small", f"({', '.join(parts)})") if parts else None)
