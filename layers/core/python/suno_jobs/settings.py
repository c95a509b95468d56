"""What each function reads from its environment: one class per function, field names are the variables in lower case.

Plain dataclasses, because the callback function must start without pydantic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True, slots=True)
class Settings:
    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """Raises KeyError or ValueError naming the variable, so that a wrong deployment fails at once."""
        values: dict[str, str | int] = {}
        for field in fields(cls):
            variable = field.name.upper()
            text = environ[variable]
            if field.type != "int":
                values[field.name] = text
            elif text.isascii() and text.isdigit():
                values[field.name] = int(text)
            else:
                raise ValueError(f"{variable} must be a whole number, not {text!r}")
        return cls(**values)


@dataclass(frozen=True, slots=True)
class AuthorizeSettings(Settings):
    api_keys_table: str


@dataclass(frozen=True, slots=True)
class SubmitJobSettings(Settings):
    jobs_table: str
    state_machine_arn: str
    job_deadline_seconds: int
    max_check_interval_seconds: int
    auto_gateways: str
    ambiguous_submit_policy: str


@dataclass(frozen=True, slots=True)
class ChangeJobSettings(Settings):
    jobs_table: str
    state_machine_arn: str
    job_deadline_seconds: int
    max_check_interval_seconds: int


@dataclass(frozen=True, slots=True)
class ReadJobsSettings(Settings):
    jobs_table: str
    assets_bucket: str
    url_lifetime_seconds: int
    check_interval_seconds: int


@dataclass(frozen=True, slots=True)
class ReceiveCallbackSettings(Settings):
    jobs_table: str
    receipts_bucket: str
    callback_secret_arn: str
    receipt_ttl_days: int
    state_machine_arn: str
    max_check_interval_seconds: int


@dataclass(frozen=True, slots=True)
class CreateTaskSettings(Settings):
    jobs_table: str
    receipts_bucket: str
    receipt_ttl_days: int
    callback_secret_arn: str
    gateway_accounts_secret_arn: str
    public_base_url: str
    first_check_seconds: int
    check_interval_seconds: int
    max_check_interval_seconds: int
    ambiguous_submit_grace_seconds: int
    breaker_failures: int
    breaker_open_seconds: int


@dataclass(frozen=True, slots=True)
class CheckTaskSettings(Settings):
    jobs_table: str
    receipts_bucket: str
    receipt_ttl_days: int
    gateway_accounts_secret_arn: str
    first_check_seconds: int
    check_interval_seconds: int
    max_check_interval_seconds: int
    ambiguous_submit_grace_seconds: int


@dataclass(frozen=True, slots=True)
class StoreTrackSettings(Settings):
    jobs_table: str
    assets_bucket: str
    max_audio_bytes: int
    max_image_bytes: int
    max_video_bytes: int
    assets_storage_class: str


@dataclass(frozen=True, slots=True)
class FinishJobSettings(Settings):
    jobs_table: str
    assets_bucket: str
    event_bus_name: str


@dataclass(frozen=True, slots=True)
class ReconcileJobsSettings(Settings):
    jobs_table: str
    gateway_accounts_secret_arn: str
    state_machine_arn: str
    max_check_interval_seconds: int
