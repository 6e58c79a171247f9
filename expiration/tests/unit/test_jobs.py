"""Jobs as arq stores them."""

import pickle

import pytest
from arq.jobs import DeserializationError, deserialize_job_raw, serialize_job

from expiration.worker import decode_job, encode_job


def test_a_job_survives_json() -> None:
    raw = serialize_job(
        "wake", (1, "two"), {"three": 3}, None, 4, serializer=encode_job
    )
    assert raw is not None
    assert raw.startswith(b"{")
    name, args, kwargs, _, enqueued_at = deserialize_job_raw(
        raw, deserializer=decode_job
    )
    assert (name, list(args), kwargs) == ("wake", [1, "two"], {"three": 3})
    assert enqueued_at == 4


def test_what_json_does_not_know_is_written_as_text() -> None:
    assert decode_job(encode_job({"r": ValueError("no")})) == {"r": "ValueError('no')"}


def test_a_pickled_job_is_refused() -> None:
    raw = pickle.dumps({"t": 1, "f": "wake", "a": (), "k": {}, "et": 1})
    with pytest.raises(DeserializationError):
        deserialize_job_raw(raw, deserializer=decode_job)
