"""What is wrong with a file is said in words for people."""

import json

import pytest

from detente.gateway.files import why_not


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (lambda: json.loads("[1,\n 2"), "no JSON from line 2, column 3, on"),
        (lambda: b"\xff".decode(), "bytes that are no text in UTF-8"),
        (lambda: {}["schema"], "it has no 'schema'"),
        (lambda: len(5), "it is built otherwise"),
    ],
)
def test_what_python_raises_in_words(read, words):
    with pytest.raises((ValueError, LookupError, TypeError)) as raised:
        read()
    assert why_not(raised.value) == words
