"""What the checks for audio say about some bytes."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import pytest

from suno_jobs.errors import AssetError, AssetNotReady, AssetUnknownFormat, ErrorCode
from suno_jobs.media import audio

SAMPLES = Path(__file__).parents[2] / "samples"


@cache
def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def seconds(data: bytes) -> float:
    return audio.inspect(io.BytesIO(data)).duration_seconds


def refusal(data: bytes) -> AssetError:
    with pytest.raises(AssetNotReady) as caught:
        audio.inspect(io.BytesIO(data))
    return caught.value


def is_truncated(data: bytes) -> bool:
    return refusal(data).fault.code is ErrorCode.ASSET_TRUNCATED


def passes(data: bytes) -> bool:
    try:
        audio.inspect(io.BytesIO(data))
    except AssetNotReady:
        return False
    return True


def damage(data: bytes) -> str:
    error = refusal(data)
    assert error.fault.code is ErrorCode.ASSET_WRONG_TYPE
    assert not isinstance(error, AssetUnknownFormat)
    return error.fault.message


def changed(whole: bytes, at: int, new: bytes) -> bytes:
    assert whole[at : at + len(new)] != new
    return whole[:at] + new + whole[at + len(new) :]


class CountedFile(io.BytesIO):
    bytes_read = 0
    largest_read = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.bytes_read += len(data)
        self.largest_read = max(self.largest_read, len(data))
        return data
