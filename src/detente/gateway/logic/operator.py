"""What an operator's word does: at once, or after the notice that the agreement asks for."""

from detente.centre.exchange.ledger import EntryKind, word_digest
from detente.gateway.logic import outbound, terms
from detente.gateway.logic.link import Gateway, Link, Notice, Now, Out
from detente.gateway.logic.notes import Word

ORDERS = ("pause", "resume", "quarantine", "release", "withdraw")


def order(gateway: Gateway, link: Link, word: str, out: Out, now: Now) -> None:
    """An operator's word: at once, or announced to the partner where the agreement asks for notice."""
    assert word in ORDERS, f"one of {ORDERS}"
    wait_s = terms.notice_s(gateway, link.partner, word)
    if text := idle(gateway, link, word):
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


def idle(gateway: Gateway, link: Link, word: str) -> str:
    """Why an operator's word changes nothing; empty where it does."""
    clause = terms.may_not_pause(gateway, link.partner) if word == "pause" else ""
    if clause:
        return f"{word} refused: clause {clause!r} gives {gateway.name} no right to suspend"
    if link.withdrawn and word in ("pause", "resume", "withdraw"):
        return f"{word} changes nothing: the exchange with {link.partner} has been left; another agreement begins anew"
    if word in link.announced:
        return f"{word} changes nothing: notice of it has been given"
    same = {
        "pause": link.paused_here, "resume": not link.paused_here and "pause" not in link.announced,
        "quarantine": link.quarantined,
    }  # fmt: skip
    return f"{word} changes nothing: it is so already" if same.get(word) else ""


def effect(gateway: Gateway, partner: str, word: str) -> str:
    """When a word that is followed takes effect."""
    wait_s = terms.notice_s(gateway, partner, word)
    return f"notice is given: in {wait_s:g} s" if wait_s else "done"


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
