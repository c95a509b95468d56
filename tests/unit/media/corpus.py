"""Audio that FFmpeg encodes in every container, and the ways in which it is damaged. The reference decoder is FFmpeg too.

FFmpeg is a program of the system, not a dependency: where it is missing, the tests that use this module are skipped, unless
``REQUIRE_FFMPEG`` is set, as it is in CI.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

FFMPEG = shutil.which("ffmpeg")
SECONDS = 3
# Two tones and noise, so that no codec can reduce it to nothing, and a different one on each channel.
_SIGNAL = (
    "aevalsrc=exprs=0.3*sin(2*PI*440*t)+0.1*sin(2*PI*1320*t*(1+t/9))+0.05*(random(0)-0.5)"
    f"|0.3*sin(2*PI*550*t)+0.05*(random(1)-0.5):s=44100:d={SECONDS}"
)
_FRAGMENTS = ("-movflags", "+frag_keyframe+empty_moov", "-frag_duration", "500000")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How FFmpeg writes a file. ``checksums``: the container has them, so that any change to its content shows."""

    extension: str
    arguments: tuple[str, ...] = ()
    checksums: bool = False
    to_pipe: bool = False


SUPPORTED: Mapping[str, Recipe] = {
    "MP3": Recipe("mp3", ("-b:a", "128k")),
    "MP3, variable bit rate": Recipe("mp3", ("-q:a", "4")),
    "MP3 without Xing header": Recipe("mp3", ("-b:a", "128k", "-write_xing", "0", "-id3v2_version", "0")),
    "MP3 with tags at both ends": Recipe("mp3", ("-ac", "1", "-write_id3v1", "1", "-metadata", "title=A")),
    "MP3 by Shine": Recipe("mp3", ("-c:a", "libshine", "-b:a", "128k")),
    "WAV": Recipe("wav"),
    "WAV, 24 bit": Recipe("wav", ("-c:a", "pcm_s24le")),
    "WAV, floating point": Recipe("wav", ("-c:a", "pcm_f32le")),
    "WAV, A-law": Recipe("wav", ("-c:a", "pcm_alaw")),
    "WAV, ADPCM": Recipe("wav", ("-c:a", "adpcm_ms")),
    "WAV with broadcast chunk": Recipe("wav", ("-write_bext", "1")),
    "WAV to a pipe": Recipe("wav", to_pipe=True),
    "RF64": Recipe("wav", ("-rf64", "always")),
    "RF64 to a pipe": Recipe("wav", ("-rf64", "always"), to_pipe=True),
    "FLAC": Recipe("flac", checksums=True),
    "FLAC, best compression": Recipe("flac", ("-compression_level", "12"), checksums=True),
    "FLAC, 24 bit": Recipe("flac", ("-sample_fmt", "s32"), checksums=True),
    "FLAC, mono, 8 kHz": Recipe("flac", ("-ac", "1", "-ar", "8000"), checksums=True),
    "FLAC to a pipe": Recipe("flac", to_pipe=True, checksums=True),
    "Ogg FLAC": Recipe("oga", ("-c:a", "flac"), checksums=True),
    "Ogg Vorbis": Recipe("ogg", ("-c:a", "libvorbis"), checksums=True),
    "Ogg Opus": Recipe("opus", ("-c:a", "libopus"), checksums=True),
    "Ogg Speex": Recipe("ogg", ("-c:a", "libspeex", "-ar", "16000", "-ac", "1"), checksums=True),
    "M4A": Recipe("m4a"),
    "M4A, index first": Recipe("m4a", ("-movflags", "faststart")),
    "M4A, mono": Recipe("m4a", ("-ac", "1", "-b:a", "48k")),
    "M4A, ALAC": Recipe("m4a", ("-c:a", "alac")),
    "MP4 with Opus": Recipe("mp4", ("-c:a", "libopus")),
    "MP4 with MP3": Recipe("mp4", ("-c:a", "libmp3lame")),
    "MP4 with FLAC": Recipe("mp4", ("-c:a", "flac", "-strict", "-2")),
    "3GP": Recipe("3gp", ("-c:a", "aac", "-ac", "1")),
    "fragmented M4A": Recipe("m4a", _FRAGMENTS),
    "fragmented M4A, samples in the index": Recipe("m4a", ("-movflags", "+frag_keyframe", "-frag_duration", "500000")),
    "fragmented M4A, ALAC": Recipe("m4a", ("-c:a", "alac", *_FRAGMENTS)),
    "CMAF": Recipe("mp4", ("-movflags", "+cmaf", "-frag_duration", "500000")),
    "DASH": Recipe("mp4", ("-movflags", "+dash", "-frag_duration", "500000")),
    "DASH with one index": Recipe("mp4", ("-movflags", "+dash+global_sidx", "-frag_duration", "500000")),
    "Smooth Streaming": Recipe("ismv"),
    "ADTS": Recipe("aac"),
    "ADTS, mono": Recipe("aac", ("-ac", "1", "-b:a", "48k")),
}
UNSUPPORTED: Mapping[str, Recipe] = {
    "AIFF": Recipe("aiff"),
    "CAF": Recipe("caf"),
    "AU": Recipe("au"),
    "Wave64": Recipe("w64"),
    "WMA": Recipe("wma"),
    "MP2": Recipe("mp2"),
    "AC-3": Recipe("ac3"),
    "TTA": Recipe("tta"),
    "WavPack": Recipe("wv"),
    "MPEG-TS": Recipe("ts", ("-c:a", "aac")),
    "Matroska": Recipe("mka", ("-c:a", "flac")),
    "WebM": Recipe("webm", ("-c:a", "libopus")),
}


def require_ffmpeg() -> None:
    """Skips the calling test where FFmpeg is missing, or fails it if FFmpeg is required."""
    if FFMPEG is None:
        reason = "ffmpeg is not installed: the checks were not compared with a decoder"
        if os.environ.get("REQUIRE_FFMPEG"):
            pytest.fail(reason)
        pytest.skip(reason)


class Corpus:
    """Encodes each file once; ``complaint`` decodes one, and must not be used from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[Recipe, bytes] = {}

    def file(self, recipe: Recipe) -> bytes:
        if recipe not in self._files:
            self._files[recipe] = self._encode(recipe)
        return self._files[recipe]

    def _encode(self, recipe: Recipe) -> bytes:
        path = self._folder / f"encoded.{recipe.extension}"
        target = ("-f", recipe.extension, "-") if recipe.to_pipe else (str(path),)
        done = _ffmpeg("-y", "-f", "lavfi", "-i", _SIGNAL, *recipe.arguments, *target)
        assert done.returncode == 0, done.stderr
        return done.stdout if recipe.to_pipe else path.read_bytes()

    def complaint(self, recipe: Recipe, data: bytes) -> str:
        """What the decoder prints about a file; nothing if it plays it to its end without an error."""
        path = self._folder / f"decoded.{recipe.extension}"
        path.write_bytes(data)
        return _ffmpeg("-i", str(path), "-f", "null", "-").stderr.decode().strip()


def _ffmpeg(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([FFMPEG or "ffmpeg", "-v", "error", *arguments], capture_output=True, check=False)


# --- Damage ------------------------------------------------------------------------------------------------------------------

Damage = Callable[[bytes, int, random.Random], bytes]


def _overwritten(size: int) -> Damage:
    return lambda whole, at, dice: whole[:at] + dice.randbytes(size) + whole[at + size :]


def _zeroed(size: int) -> Damage:
    return lambda whole, at, _: whole[:at] + bytes(size) + whole[at + size :]


def _missing(size: int) -> Damage:
    return lambda whole, at, _: whole[:at] + whole[at + size :]


DAMAGES: Mapping[str, Damage] = {
    "1500 zero bytes": _zeroed(1500),
    "1500 random bytes": _overwritten(1500),
    "50 random bytes": _overwritten(50),
    "4096 bytes missing": _missing(4096),
    "a byte missing": _missing(1),
    "bytes inserted": lambda whole, at, _: whole[:at] + b"abc" + whole[at:],
    "bytes repeated": lambda whole, at, _: whole[:at] + whole[at - 5000 :],
    "a bit changed": lambda whole, at, _: whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :],
}
LARGE = {"1500 zero bytes", "1500 random bytes", "4096 bytes missing"}
"""Damage that covers at least one frame of most codecs."""


def damaged(whole: bytes, damage: str, seed: int) -> Iterator[bytes]:
    """The file with the damage at three places in its middle, where no container has its index."""
    dice = random.Random(seed)  # noqa: S311
    for share in (0.3, 0.5, 0.7):
        yield DAMAGES[damage](whole, int(len(whole) * share), dice)
