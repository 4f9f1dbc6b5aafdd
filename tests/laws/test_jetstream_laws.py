"""Frames bound into messages come out as they went in, and no bytes break what takes them apart."""

from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from detente.gateway.jetstream import BUNDLE_BYTES, BUNDLE_FRAMES, LENGTH, bundled, unbundled
from detente.gateway.jetstream_server import MESSAGE_BYTES_MAX
from detente.gateway.transport import FRAME_BYTES_MAX

frames_of_any_size = st.lists(
    st.one_of(st.binary(max_size=40), st.integers(0, BUNDLE_BYTES + 9).map(bytes)), min_size=1, max_size=200
)


@settings(max_examples=60, deadline=None)
@given(frames_of_any_size)
def test_what_was_bound_comes_apart_in_order_and_within_bounds(frames: list[bytes]) -> None:
    waiting, came = deque(frames), []
    while waiting:
        before = len(waiting)
        message = bundled(waiting)
        parts = unbundled(message)
        assert 0 < len(parts) == before - len(waiting) <= BUNDLE_FRAMES
        assert len(parts) == 1 or sum(map(len, parts)) <= BUNDLE_BYTES
        came += parts
    assert came == frames


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_whole_frames_or_none(message: bytes) -> None:
    frames = unbundled(message)
    assert len(frames) <= BUNDLE_FRAMES
    assert frames == [] or b"".join(LENGTH.pack(len(one)) + one for one in frames) == message


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=30), min_size=1, max_size=9), st.data())
def test_a_message_cut_short_is_none(frames: list[bytes], data: st.DataObject) -> None:
    message = bundled(deque(frames))
    cut = data.draw(st.integers(0, len(message) - 1))
    kept = unbundled(message[:cut])
    assert kept == frames[: len(kept)]
    assert len(kept) < len(frames)


def test_the_largest_frame_fits_in_a_message() -> None:
    frame = bytes(FRAME_BYTES_MAX)
    message = bundled(deque([frame]))
    assert len(message) <= MESSAGE_BYTES_MAX
    assert unbundled(message) == [frame]
    assert unbundled(LENGTH.pack(FRAME_BYTES_MAX + 1) + frame + b"x") == []
