"""The door of the room: a study's folder in, one self-contained report.html beside its tables."""

import base64
import errno
import hashlib
import os
import tempfile
from importlib.resources import files
from pathlib import Path

from detente.records.errors import InputError
from detente.report import basis, sections
from detente.report.figures import figures
from detente.report.markup import Markup, element, embedded_json, joined
from detente.report.saved import Saved, load

PAGE = "report.html"


def write_report(folder: Path) -> Path:
    """Write ``report.html`` into a study's folder, whole or not at all, and return its path.

    The page holds everything it needs and asks the network for nothing. A folder that is no study's, or that cannot be
    written, is an :class:`InputError`.
    """
    folder = Path(folder)
    text = page(load(folder))
    target = folder / PAGE
    try:
        handle, scratch = tempfile.mkstemp(prefix=".report-", suffix=".html", dir=folder)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            Path(scratch).chmod(0o644)
            Path(scratch).replace(target)
        finally:
            Path(scratch).unlink(missing_ok=True)
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
        raise InputError(
            found=f"cannot write {target}: {reason}",
            expected="a folder with room, that this user may write",
            remedy="make room or give another folder with --out; the study's tables are not touched",
            path="--out",
        ) from error
    return target


def page(saved: Saved) -> str:
    """The whole document."""
    drawn = figures(saved)
    script, style = _static("report.js"), _static("report.css")
    body = element(
        "body",
        element("a", "Skip to the answer", href="#answer", class_="skip"),
        sections.header(saved),
        element(
            "main",
            sections.answered(saved),
            sections.table(saved),
            sections.closer(saved),
            sections.warning(saved, drawn),
            sections.maps(saved, drawn),
            basis.exchange(saved),
            basis.basis(saved),
            sections.provenance(saved),
        ),
        sections.footer(),
        element("script", embedded_json(drawn), type="application/json", id="figures"),
        element("script", Markup(script)),
    )
    return f"<!doctype html>\n{element('html', _head(saved, script, style), body, lang='en')}\n"


def _head(saved: Saved, script: str, style: str) -> Markup:
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    directives = (
        "default-src 'none'",
        f"script-src 'sha256-{digest}'",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content="; ".join(directives)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="generator", content=f"Détente {saved.study['version']}"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", joined(saved.about["title"], " – Détente")),
        element("style", Markup(style)),
    )


def _static(name: str) -> str:
    return files("detente.report").joinpath(f"static/{name}").read_text(encoding="utf-8")
