"""Seconds since a scenario's epoch, and the UTC moments they stand for. Nothing here reads a clock.

UTC is taken to run evenly: 86,400 s a day, no leap seconds.
"""

from datetime import UTC, datetime, timedelta

from detente.records.errors import InputError


def seconds_since(epoch: datetime, moment: datetime) -> float:
    """Seconds from the epoch to a moment; both carry a time zone. Exact to a microsecond."""
    return (_in_utc(moment) - _in_utc(epoch)).total_seconds()


def moment_at(epoch: datetime, time_s: float) -> datetime:
    """The UTC moment so many seconds after the epoch, to a microsecond."""
    return _in_utc(epoch) + timedelta(seconds=time_s)


def parse_moment(text: str) -> datetime:
    """A UTC moment from ISO 8601 text such as ``2010-12-01T06:00:00Z``. Text without a zone is refused."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _not_a_moment(text) from None
    if moment.tzinfo is None:
        raise _not_a_moment(text)
    return moment.astimezone(UTC)


def format_moment(moment: datetime) -> str:
    """A moment as ISO 8601 text in UTC, ending in Z; fractions of a second only where there are any."""
    return _in_utc(moment).isoformat().replace("+00:00", "Z")


def format_time(epoch: datetime, time_s: float) -> str:
    """The moment so many seconds after the epoch, as ISO 8601 text in UTC."""
    return format_moment(moment_at(epoch, time_s))


def _in_utc(moment: datetime) -> datetime:
    assert moment.tzinfo is not None, "a moment needs a time zone"
    return moment.astimezone(UTC)


def _not_a_moment(text: str) -> InputError:
    return InputError(
        found=f"{text!r} is not a moment in time",
        expected="ISO 8601 with a time zone, such as 2010-12-01T06:00:00Z",
        remedy="write date, time and zone; Z stands for UTC",
    )
