"""How a partner's clock differs from ours: measured by what notes echo, flagged for people; it orders nothing."""

from dataclasses import replace

from detente.gateway.logic.limits import take
from detente.gateway.logic.link import Gateway, Link, Notice, Now, Out, Skew
from detente.gateway.logic.notes import Note

STEP_S = 0.5  # a clock that moves so far between two samples has jumped; by the steady clock. source: assumption, 0.1-5


def sample(link: Link, note: Note, now: Now) -> None:
    """One sample of the partner's clock, where the note echoes one of ours: all of it in exercise seconds.

    Our own share of the round trip is timed by the steady clock, so that a jump of our wall clock spoils no sample. A
    jump of the partner's between hearing and answering can: a round trip that seems to end before it began tells so.
    """
    before, said_s = link.skew, note.address.sealed_s
    skew = replace(before, heard_stated_s=said_s, heard_at_s=now.wall_s)
    if len(note.echo) == 2:
        ours_s, theirs_s = note.echo
        spoken_s = next((steady for stated, steady in reversed(link.spoken) if stated == ours_s), None)
        away_s = now.wall_s - ours_s if spoken_s is None else (now.steady_s - spoken_s) * now.rate
        delay_s = away_s - (said_s - theirs_s)
        skew = _sampled(skew, said_s + delay_s / 2.0 - now.wall_s, delay_s, STEP_S * now.rate)
    link.skew = skew


def _sampled(before: Skew, offset_s: float, delay_s: float, step_s: float) -> Skew:
    """What is known of a clock after one more sample."""
    steps = before.steps + (before.samples > 0)
    if delay_s < -step_s:
        return replace(before, samples=0, delay_s=float("inf"), steps=steps)
    delay_s = max(delay_s, 0.0)
    if before.samples and abs(offset_s - before.offset_s) > step_s + delay_s + before.delay_s:
        return replace(before, offset_s=offset_s, delay_s=delay_s, samples=1, steps=steps)
    if delay_s <= 1.5 * before.delay_s:
        return replace(before, offset_s=offset_s, delay_s=delay_s, samples=before.samples + 1)
    return before


def notice(gateway: Gateway, link: Link, before_s: float, now: Now, out: Out) -> None:
    """Tell the operator, now and then at most, of a partner's clock that turns out to differ, and from now on does."""
    limits, offset_s = gateway.limits, link.skew.offset_s
    new = abs(before_s) <= limits.skew_s < abs(offset_s)
    if new and take(link.buckets, "skew", 0, 1.0, limits.refusals, now.steady_s):
        text = f"its clock is {offset_s:+.1f} s off ours; what it says of another time may not enter the picture"
        out.notices.append(Notice(kind="clock", partner=link.partner, text=text))
