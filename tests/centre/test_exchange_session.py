"""The session: a table of states and events, and the more hesitant side decides."""

from dataclasses import replace
from itertools import product

import pytest

from detente.centre.exchange.session import (
    HESITATION,
    TRANSITIONS,
    Event,
    Session,
    State,
    advance,
    broken,
    hear,
    may_say,
    opened,
    say,
)  # fmt: skip
from detente.records.errors import PeerError

OURS = "ab" * 32


def standing(own, theirs):
    return Session(partner="B", agreement=OURS, own=own, theirs=theirs)


def test_an_exchange_opens_by_hello_agreement_and_word():
    session = opened("B", OURS, OURS)
    assert session.open
    assert hear(session, Event.MESSAGE, OURS) == session


def test_another_agreement_opens_nothing():
    with pytest.raises(PeerError, match="names agreement cdcd"):
        opened("B", OURS, "cd" * 32)


def test_every_pair_of_state_and_event_is_decided():
    assert set(TRANSITIONS) == set(State) == set(HESITATION)
    for state, event in product(State, Event):
        ours, theirs = standing(state, State.CLOSED), standing(State.CLOSED, state)
        if event in TRANSITIONS[state]:
            assert hear(theirs, event, OURS).theirs is TRANSITIONS[state][event]
            assert say(ours, event).own is TRANSITIONS[state][event]
            assert may_say(ours, event)
        else:
            assert not may_say(ours, event)
            with pytest.raises(PeerError, match=f"'{event.value}' while {state.value}"):
                hear(theirs, event, OURS)
            with pytest.raises(AssertionError):
                say(ours, event)


def test_messages_flow_only_while_both_want_them_to():
    both = [pair for pair in product(State, State) if standing(*pair).open]
    assert both == [(State.EXCHANGING, State.EXCHANGING)]
    assert [state for state in State if Event.MESSAGE in TRANSITIONS[state]] == [State.EXCHANGING]
    assert TRANSITIONS[State.ENDED] == {}


def test_the_exchange_stands_with_the_more_hesitant_side():
    for own, theirs in product(State, State):
        assert standing(own, theirs).state is standing(theirs, own).state
        assert standing(own, theirs).state in (own, theirs)
    assert standing(State.EXCHANGING, State.SUSPENDED).state is State.SUSPENDED
    assert standing(State.CLOSED, State.WITHDRAWN).state is State.WITHDRAWN


def test_both_may_suspend_at_once_and_each_must_resume():
    session = hear(say(opened("B", OURS, OURS), Event.SUSPEND), Event.SUSPEND, OURS)
    session = say(say(session, Event.RESUME), Event.OPEN)
    assert session.state is State.SUSPENDED
    session = hear(session, Event.RESUME, OURS)
    assert not session.open
    with pytest.raises(PeerError):
        hear(session, Event.MESSAGE, OURS)
    assert hear(session, Event.OPEN, OURS).open


def test_a_word_of_both_moves_both():
    session = advance(opened("B", OURS, OURS), Event.SUSPEND)
    assert session.own is session.theirs is State.SUSPENDED
    assert advance(advance(session, Event.RESUME), Event.OPEN).open
    with pytest.raises(PeerError, match="'open' while suspended"):
        advance(session, Event.OPEN)
    with pytest.raises(PeerError, match="while this side is closed"):
        advance(standing(State.CLOSED, State.SUSPENDED), Event.RESUME)


def test_agreeing_needs_a_greeting():
    with pytest.raises(PeerError, match="'agree' while closed"):
        hear(standing(State.GREETED, State.CLOSED), Event.AGREE, OURS)


def test_a_broken_line_is_greeted_anew_but_a_withdrawal_stays():
    session = broken(opened("B", OURS, OURS))
    assert (session.own, session.theirs) == (State.CLOSED, State.CLOSED)
    left = broken(hear(opened("B", OURS, OURS), Event.WITHDRAW, OURS))
    assert (left.own, left.theirs) == (State.CLOSED, State.WITHDRAWN)
    assert replace(left, theirs=State.ENDED) == broken(replace(left, theirs=State.ENDED))
