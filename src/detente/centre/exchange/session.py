"""How an exchange is opened, interrupted, taken up again and ended: a table of states and events, no sockets.

Each of the two sides has a standing of its own, moved by what that side says; the exchange stands where the more
hesitant of the two does. So either side may suspend or leave by its word alone, statements may cross on the line, and
messages flow only while both want them to.
"""

from dataclasses import dataclass, replace
from enum import Enum

from detente.records.errors import PeerError


class State(Enum):
    """Where one side, or the exchange between the two, stands."""

    CLOSED = "closed"  # nothing was said yet, or the line broke
    GREETED = "greeted"  # said hello, with the schema it speaks and the agreement it signed
    AGREED = "agreed"  # named the same agreement
    EXCHANGING = "exchanging"  # messages may flow
    SUSPENDED = "suspended"  # until the side that said so resumes
    RESUMED = "resumed"  # is back; ledgers are compared before messages flow again
    WITHDRAWN = "withdrawn"  # left the agreement; what was said before is kept
    ENDED = "ended"


class Event(Enum):
    """What either side may say."""

    HELLO = "hello"
    AGREE = "agree"
    OPEN = "open"
    MESSAGE = "message"
    SUSPEND = "suspend"
    RESUME = "resume"
    WITHDRAW = "withdraw"
    END = "end"


_LEAVE = {Event.WITHDRAW: State.WITHDRAWN, Event.END: State.ENDED}

TRANSITIONS: dict[State, dict[Event, State]] = {
    State.CLOSED: {Event.HELLO: State.GREETED, Event.END: State.ENDED},
    State.GREETED: {Event.AGREE: State.AGREED, Event.END: State.ENDED},
    State.AGREED: {Event.OPEN: State.EXCHANGING, Event.SUSPEND: State.SUSPENDED, **_LEAVE},
    State.EXCHANGING: {Event.MESSAGE: State.EXCHANGING, Event.SUSPEND: State.SUSPENDED, **_LEAVE},
    State.SUSPENDED: {Event.RESUME: State.RESUMED, **_LEAVE},
    State.RESUMED: {Event.OPEN: State.EXCHANGING, Event.SUSPEND: State.SUSPENDED, **_LEAVE},
    State.WITHDRAWN: {Event.END: State.ENDED},
    State.ENDED: {},
}
"""Every legal move of one side; what is not here is its error."""

HESITATION = (
    State.ENDED, State.WITHDRAWN, State.SUSPENDED, State.CLOSED, State.GREETED, State.AGREED, State.RESUMED,
    State.EXCHANGING,
)  # fmt: skip
"""The exchange stands at the first of these at which either side stands."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """One exchange with one partner, under one agreement."""

    partner: str  # name of the side
    agreement: str  # digest of the agreement this side signed
    own: State = State.CLOSED  # where this side stands
    theirs: State = State.CLOSED  # where the partner stands

    @property
    def state(self) -> State:
        """Where the exchange stands."""
        return next(state for state in HESITATION if state in (self.own, self.theirs))

    @property
    def open(self) -> bool:
        """True while messages may flow. What comes while the partner alone thinks so is left unacknowledged."""
        return self.own is State.EXCHANGING and self.theirs is State.EXCHANGING


def say(session: Session, event: Event) -> Session:
    """The session after this side said something. What it may not say is our bug."""
    after = TRANSITIONS[session.own].get(event)
    assert after is not None, f"we may not say {event.value!r} while {session.own.value}"
    return replace(session, own=after)


def may_say(session: Session, event: Event) -> bool:
    """True where this side may say it now: what an operator's wish is held to."""
    return event in TRANSITIONS[session.own]


def hear(session: Session, event: Event, agreement: str) -> Session:
    """The session after the partner said something, naming an agreement by its digest.

    Raises PeerError where that is out of order, or under an agreement that is not the one this side signed.
    """
    after = TRANSITIONS[session.theirs].get(event)
    if after is None:
        allowed = ", ".join(legal.value for legal in TRANSITIONS[session.theirs]) or "nothing"
        raise PeerError(f"{session.partner}: {event.value!r} while {session.theirs.value}; allowed: {allowed}")
    if agreement != session.agreement:
        raise PeerError(f"{session.partner}: names agreement {agreement[:16]}…, not {session.agreement[:16]}…")
    return replace(session, theirs=after)


def advance(session: Session, event: Event) -> Session:
    """The session after something that counts as both sides' word. Raises PeerError where it is out of order."""
    heard = hear(session, event, session.agreement)
    if not may_say(session, event):
        raise PeerError(f"{session.partner}: {event.value!r} while this side is {session.own.value}")
    return say(heard, event)


def broken(session: Session) -> Session:
    """The session after the line broke: both must greet again, unless one has left for good."""
    left = (State.WITHDRAWN, State.ENDED)
    own, theirs = (state if state in left else State.CLOSED for state in (session.own, session.theirs))
    return replace(session, own=own, theirs=theirs)


def opened(partner: str, own_digest: str, partner_digest: str) -> Session:
    """A session taken from hello, by agreement, to exchanging: how a simulated pair begins."""
    session = Session(partner=partner, agreement=own_digest)
    session = hear(say(session, Event.HELLO), Event.HELLO, partner_digest)
    return advance(advance(session, Event.AGREE), Event.OPEN)
