"""The embedded line: however the socket divides what was sent, the same frames come out; and not one byte too many."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.gateway.transport import FRAME_BYTES_MAX, HEAD, Frames
from detente.records.errors import PeerError

SENT = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=60)), max_size=12)


@given(SENT, st.lists(st.integers(1, 40), min_size=1))
def test_frames_come_out_as_they_were_sent_however_they_are_divided(
    sent: list[tuple[int, bytes]], sizes: list[int]
) -> None:
    stream = b"".join(HEAD.pack(len(data), lane) + data for lane, data in sent)
    frames, came, place, turn = Frames(), [], 0, 0
    while place < len(stream):
        size = sizes[turn % len(sizes)]
        came += frames.cut(stream[place : place + size])
        assert frames.held == sum(map(len, frames.parts)) < HEAD.size + 60, "less than a frame waits"
        place, turn = place + size, turn + 1
    assert came == sent
    assert (frames.cuts, frames.held) == (len(sent), 0)


@given(SENT, st.integers(FRAME_BYTES_MAX + 1, 2**32 - 1))
def test_a_frame_longer_than_any_ends_the_line_before_it_is_waited_for(
    sent: list[tuple[int, bytes]], size: int
) -> None:
    stream = b"".join(HEAD.pack(len(data), lane) + data for lane, data in sent) + HEAD.pack(size, 0)
    came = []
    with pytest.raises(PeerError, match="is announced"):
        came += Frames().cut(stream)
