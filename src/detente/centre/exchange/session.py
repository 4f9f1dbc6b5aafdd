"""How an exchange is opened, interrupted, taken up again and ended: a table of states and events, no sockets."""

from dataclasses import dataclass, replace
from enum import Enum

from detente.records.errors import PeerError


class State(Enum):
    """Where the exchange between two sides stands."""

    CLOSED = "closed"  # nothing was said yet
    GREETED = "greeted"  # the partner said hello
    AGREED = "agreed"  # both named the same agreement
    EXCHANGING = "exchanging"  # messages may flow
    SUSPENDED = "suspended"  # by either side's word, or a broken link
    RESUMED = "resumed"  # both are back; ledgers are compared before messages flow again
    WITHDRAWN = "withdrawn"  # a side left the agreement; what was said before is kept
    ENDED = "ended"


class Event(Enum):
    """What either side may do."""

    HELLO = "hello"
    AGREE = "agree"
    OPEN = "open"
    MESSAGE = "message"
    SUSPEND = "suspend"
    RESUME = "resume"
    WITHDRAW = "withdraw"
    END = "end"


TRANSITIONS: dict[State, dict[Event, State]] = {
    State.CLOSED: {Event.HELLO: State.GREETED, Event.END: State.ENDED},
    State.GREETED: {Event.AGREE: State.AGREED, Event.END: State.ENDED},
    State.AGREED: {Event.OPEN: State.EXCHANGING, Event.WITHDRAW: State.WITHDRAWN, Event.END: State.ENDED},
    State.EXCHANGING: {
        Event.MESSAGE: State.EXCHANGING,
        Event.SUSPEND: State.SUSPENDED,
        Event.WITHDRAW: State.WITHDRAWN,
        Event.END: State.ENDED,
    },
    State.SUSPENDED: {Event.RESUME: State.RESUMED, Event.WITHDRAW: State.WITHDRAWN, Event.END: State.ENDED},
    State.RESUMED: {
        Event.OPEN: State.EXCHANGING,
        Event.SUSPEND: State.SUSPENDED,
        Event.WITHDRAW: State.WITHDRAWN,
        Event.END: State.ENDED,
    },
    State.WITHDRAWN: {Event.END: State.ENDED},
    State.ENDED: {},
}
"""Every legal move; what is not here is the partner's error."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """One exchange with one partner, under one agreement."""

    partner: str  # name of the side
    agreement: str  # digest of the agreement this side signed
    state: State = State.CLOSED

    @property
    def open(self) -> bool:
        """True while messages may flow."""
        return self.state is State.EXCHANGING


def advance(session: Session, event: Event) -> Session:
    """The session after an event. Raises PeerError where the event is out of order."""
    after = TRANSITIONS[session.state].get(event)
    if after is None:
        allowed = ", ".join(legal.value for legal in TRANSITIONS[session.state]) or "nothing"
        raise PeerError(
            f"{session.partner}: {event.value!r} while the exchange is {session.state.value}; allowed: {allowed}"
        )
    return replace(session, state=after)


def agree(session: Session, partner_digest: str) -> Session:
    """The session after the partner named its agreement. Raises PeerError where it is not the one this side signed."""
    if partner_digest != session.agreement:
        raise PeerError(f"{session.partner}: names agreement {partner_digest[:16]}…, not {session.agreement[:16]}…")
    return advance(session, Event.AGREE)


def opened(partner: str, own_digest: str, partner_digest: str) -> Session:
    """A session taken from hello, by agreement, to exchanging: how a simulated pair begins."""
    greeted = advance(Session(partner=partner, agreement=own_digest), Event.HELLO)
    return advance(agree(greeted, partner_digest), Event.OPEN)
