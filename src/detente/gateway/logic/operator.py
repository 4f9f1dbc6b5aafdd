"""What an operator's word does: at once, or after the notice that the agreement asks for."""

from detente.centre.exchange.ledger import EntryKind, word_digest
from detente.gateway.logic import outbound, terms
from detente.gateway.logic.link import Gateway, Link, Notice, Now, Out
from detente.gateway.logic.notes import Word

ORDERS = ("pause", "resume", "quarantine", "release", "withdraw")


def order(gateway: Gateway, link: Link, word: str, out: Out, now: Now) -> None:
    """An operator's word: at once, or announced to the partner where the agreement asks for notice."""
    assert word in ORDERS, f"one of {ORDERS}"
    clause = terms.may_not_pause(gateway, link.partner) if word == "pause" else ""
    wait_s = terms.notice_s(gateway, link.partner, word)
    if clause:
        text = f"{word} refused: clause {clause!r} gives {gateway.name} no right to suspend"
        out.notices.append(Notice(kind="order", partner=link.partner, text=text))
        return
    if word == "resume":
        link.announced.pop("pause", None)
    if not wait_s:
        obey(gateway, link, word, out, now)
        return
    link.announced.setdefault(word, now.exercise_s + wait_s)
    link.log(out, EntryKind.SESSION, word_digest(f"notice of {word}"), now)
    text = f"{gateway.name} gives notice: {word} in {wait_s:g} s"
    if link.up:
        outbound.note(gateway, link, out, Word.PULSE, now, said=text)
    out.notices.append(Notice(kind="order", partner=link.partner, text=text))


def obey(gateway: Gateway, link: Link, word: str, out: Out, now: Now) -> None:
    """An operator's word takes effect."""
    if word in ("pause", "resume"):
        link.paused_here = word == "pause"
    elif word in ("quarantine", "release"):
        link.quarantined, link.pardon = word == "quarantine", word == "release"
    else:
        link.withdrawn = True
        outbound.close_all(link, out, "withdrawn", now)
    link.log(out, EntryKind.SESSION, word_digest(word), now)
    link.settle()
    if link.up:
        outbound.note(gateway, link, out, Word.PULSE, now)
        outbound.flush(gateway, link, out, now)
    out.notices.append(Notice(kind="order", partner=link.partner, text=f"the operator's word: {word}"))
