"""Moments, seconds and text."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from detente.geodesy.timescale import format_moment, format_time, moment_at, parse_moment, seconds_since
from detente.records.errors import InputError

EPOCH = datetime(2010, 12, 1, 6, tzinfo=UTC)


def test_seconds_and_moments_are_each_others_inverse():
    assert seconds_since(EPOCH, datetime(2010, 12, 1, 6, 40, 0, 250_000, tzinfo=UTC)) == 2400.25
    assert moment_at(EPOCH, 2400.25) == datetime(2010, 12, 1, 6, 40, 0, 250_000, tzinfo=UTC)
    assert seconds_since(EPOCH, moment_at(EPOCH, -1234.567891)) == -1234.567891


def test_zones_are_converted():
    moscow = timezone(timedelta(hours=3))
    assert seconds_since(EPOCH, datetime(2010, 12, 1, 9, 0, 1, tzinfo=moscow)) == 1.0
    assert parse_moment("2010-12-01T09:00:00+03:00") == EPOCH
    assert parse_moment("2010-12-01T06:00:00Z").tzinfo is UTC


def test_text_round_trips():
    assert format_moment(EPOCH) == "2010-12-01T06:00:00Z"
    assert format_time(EPOCH, 0.5) == "2010-12-01T06:00:00.500000Z"
    assert parse_moment(format_time(EPOCH, 99.125)) == moment_at(EPOCH, 99.125)


@pytest.mark.parametrize("text", ["", "yesterday", "2010-13-01T00:00:00Z", "2010-12-01T06:00:00", "2010-12-01"])
def test_text_that_is_no_moment_is_the_users_error(text):
    with pytest.raises(InputError, match="is not a moment in time"):
        parse_moment(text)


def test_a_moment_without_a_zone_is_our_error():
    with pytest.raises(AssertionError, match="time zone"):
        seconds_since(EPOCH, datetime(2010, 12, 1))
