"""HTML that cannot be injected into: whatever is not markup already is escaped on its way in."""

import json
from html import escape
from typing import Any

VOID = frozenset({"meta", "br", "hr", "input", "link"})


class Markup(str):
    """Text that is HTML already, made by :func:`element` or :func:`joined` and by nothing a user wrote."""

    __slots__ = ()


def text(child: object) -> Markup:
    """A child as HTML: markup stays, all else is escaped."""
    return child if isinstance(child, Markup) else Markup(escape(str(child), quote=True))


def joined(*children: object) -> Markup:
    """Children one after the other; None is left out."""
    return Markup("".join(text(child) for child in children if child is not None))


def element(tag: str, *children: object, **attributes: object) -> Markup:
    """One element. ``class_`` gives class, other underscores hyphens; True is a bare attribute, None and False none."""
    given = []
    for name, value in attributes.items():
        name = name.rstrip("_").replace("_", "-")
        if value is True:
            given.append(f" {name}")
        elif value is not None and value is not False:
            given.append(f' {name}="{escape(str(value), quote=True)}"')
    opening = f"<{tag}{''.join(given)}>"
    return Markup(opening if tag in VOID else f"{opening}{joined(*children)}</{tag}>")


def embedded_json(document: Any) -> Markup:
    """JSON safe inside a script element: no closing tag, comment or line separator can be spelt in it; no NaN."""
    plain = json.dumps(document, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    for character, code in (
        ("&", "\\u0026"),
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("\u2028", "\\u2028"),
        ("\u2029", "\\u2029"),
    ):
        plain = plain.replace(character, code)
    return Markup(plain)
