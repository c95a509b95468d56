"""AnyInt (anyint.ai), kind music."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from suno_jobs.errors import ErrorCode
from suno_jobs.gateways import sunoapi
from suno_jobs.gateways.base import (
    GatewayReply,
    GatewayRequest,
    MusicLimits,
    Rate,
    Reading,
    Submission,
    check_lengths,
    describe,
)
from suno_jobs.gateways.replies import read_object
from suno_jobs.gateways.verdicts import Meaning, settle

if TYPE_CHECKING:
    from suno_jobs.requests import MusicInput

_MODELS = {
    "v3.5": "V3_5",
    "v4": "V4",
    "v4.5": "V4_5",
    "v4.5plus": "V4_5PLUS",
    "v4.5all": "V4_5ALL",
    "v5": "V5",
    "v5.5": "V5_5",
}

MEANINGS = {
    "400": Meaning(ErrorCode.INVALID_REQUEST),
    "401": Meaning(ErrorCode.AUTHENTICATION),
    "405": Meaning(ErrorCode.RATE_LIMITED, again=True),
    "413": Meaning(ErrorCode.INVALID_REQUEST),  # a text is too long
    "429": Meaning(ErrorCode.QUOTA),  # not the rate: that is 405 and 430
    "430": Meaning(ErrorCode.RATE_LIMITED, again=True),
    "455": Meaning(ErrorCode.MAINTENANCE, again=True),
    "500": Meaning(ErrorCode.GATEWAY_ERROR, refused=False),
}

_OLD_MODELS = frozenset({"V3_5", "V4"})
_OLD_LIMITS = MusicLimits(prompt=500, lyrics=3000, style=200, title=80)


class AnyInt:
    """Facts: AnyInt's pages Music Generation, AI Music API and Music Tasks and Webhooks.

    It documents no lengths; those are of sunoapi.org, whose codes, states and fields it repeats. ``negativeTags`` and
    ``vocalGender`` are that family's fields too, which AnyInt's own list of key fields leaves out.
    """

    name = "anyint"
    base_url = "https://gateway.api.anyint.ai"
    # Our own cap, of what users of the family report: AnyInt documents none.
    rate = Rate(20, 10.0)
    limits = MusicLimits(prompt=500, lyrics=5000, style=1000, title=80)
    default_model = "v5"

    def authorization(self, api_key: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {api_key}"}

    def check_music(self, music: MusicInput) -> tuple[tuple[str, str], ...]:
        """Style and title are required in custom mode, which lyrics ask for."""
        missing = [name for name in ("style", "title") if music.lyrics is not None and getattr(music, name) is None]
        limits = _OLD_LIMITS if self._model(music) in _OLD_MODELS else self.limits
        lengths = check_lengths(music, limits, description=describe(music, negative=False))
        return *((name, "is required by this gateway when lyrics are given") for name in missing), *lengths

    def music_request(self, music: MusicInput, *, callback_url: str) -> GatewayRequest:
        body: dict[str, Any] = {
            "customMode": music.lyrics is not None,
            "instrumental": music.instrumental,
            "model": self._model(music),
            "callBackUrl": callback_url,
            "negativeTags": music.negative_style,
            "vocalGender": music.vocal_gender and music.vocal_gender[0],
        }
        if music.lyrics is None:
            body["prompt"] = describe(music, negative=False)
        else:
            body |= {"prompt": music.lyrics, "style": music.style, "title": music.title}
        return GatewayRequest("POST", "/suno/generate", json={name: value for name, value in body.items() if value is not None})

    def _model(self, music: MusicInput) -> str:
        model = music.model or self.default_model
        return _MODELS.get(model, model)

    def read_submission(self, reply: GatewayReply) -> Submission:
        body = read_object(reply.body)
        return settle(reply, MEANINGS, sunoapi.complaint(reply, body), sunoapi.named_task(body))

    def status_request(self, task_id: str) -> GatewayRequest:
        return GatewayRequest("GET", "/suno/query/task", params={"taskId": task_id})

    def read_status(self, reply: GatewayReply) -> Reading:
        return sunoapi.read_music(reply, read_object(reply.body), MEANINGS)

    def read_callback(self, body: bytes) -> str | None:
        """Flat in AnyInt's example, wrapped in the family's: both are read, of whatever stage or failure they tell."""
        return sunoapi.named_task(read_object(body))
