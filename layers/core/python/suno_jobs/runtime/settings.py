"""What each function reads from its environment: one class per function, attribute names are the variables in lower case.

Plain classes, because making a dataclass for every function would slow down the start of each one.
"""

from __future__ import annotations

from collections.abc import Mapping


class Settings:
    def __init__(self, environ: Mapping[str, str]) -> None:
        """Raises KeyError or ValueError naming the variable, so that a wrong deployment fails at once."""
        for name in self.variables():
            text = environ[name.upper()]
            setattr(self, name, _whole_number(name, text) if self.__annotations__[name] == "int" else text)

    @classmethod
    def variables(cls) -> list[str]:
        return list(cls.__annotations__)


def _whole_number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{name.upper()} must be a whole number, not {text!r}")
    return int(text)


class AuthorizeSettings(Settings):
    api_keys_table: str


class ManageKeysSettings(Settings):
    api_keys_table: str


class ManageWebhooksSettings(Settings):
    jobs_table: str


class ManageDeliveriesSettings(Settings):
    jobs_table: str
    webhook_queue_url: str


class DeliverWebhookSettings(Settings):
    jobs_table: str
    webhook_queue_url: str
    event_bus_name: str


class SubmitJobSettings(Settings):
    jobs_table: str
    wait_function: str
    state_machine_arn: str
    job_deadline_seconds: int
    max_check_interval_seconds: int
    auto_gateways: str
    gateway_accounts_secret_arn: str
    ambiguous_submit_policy: str


class CancelJobSettings(Settings):
    jobs_table: str
    state_machine_arn: str
    max_check_interval_seconds: int


class RetryJobSettings(Settings):
    jobs_table: str
    state_machine_arn: str
    job_deadline_seconds: int
    max_check_interval_seconds: int


class DeleteJobSettings(Settings):
    jobs_table: str
    assets_bucket: str
    receipts_bucket: str


class ReadJobsSettings(Settings):
    jobs_table: str
    wait_function: str
    assets_bucket: str
    url_lifetime_seconds: int
    check_interval_seconds: int


class WaitForJobSettings(Settings):
    jobs_table: str


class ReadUsageSettings(Settings):
    jobs_table: str


class ReadGatewaysSettings(Settings):
    jobs_table: str


class ServeConsoleSettings(Settings):
    assets_origins: str


class ReceiveCallbackSettings(Settings):
    jobs_table: str
    receipts_bucket: str
    callback_secret_arn: str
    receipt_ttl_days: int
    state_machine_arn: str
    max_check_interval_seconds: int


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


class CheckTaskSettings(Settings):
    jobs_table: str
    state_machine_arn: str
    webhook_queue_url: str
    event_bus_name: str
    assets_bucket_name: str
    receipts_bucket: str
    receipt_ttl_days: int
    gateway_accounts_secret_arn: str
    first_check_seconds: int
    check_interval_seconds: int
    max_check_interval_seconds: int
    ambiguous_submit_grace_seconds: int


class StoreTrackSettings(Settings):
    jobs_table: str
    assets_bucket: str
    max_audio_bytes: int
    max_image_bytes: int
    max_video_bytes: int
    assets_storage_class: str


class FinishJobSettings(Settings):
    jobs_table: str
    webhook_queue_url: str
    assets_bucket: str
    event_bus_name: str


class ReconcileJobsSettings(Settings):
    jobs_table: str
    webhook_queue_url: str
    assets_bucket: str
    receipts_bucket: str
    gateway_accounts_secret_arn: str
    state_machine_arn: str
    max_check_interval_seconds: int
