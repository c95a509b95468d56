"""Clients that can reach the emulators and nothing else."""

import os
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.loaders
import botocore.session
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
# The emulator takes it for the account's owner. Functions, executions and API Gateway use the keys of their roles.
DUMMY = "ak"

_IGNORE_ENVIRONMENT = None


def clean_environment(home: Path) -> dict[str, str]:
    """The environment of every child process: nothing of the caller's but PATH, so no profile, proxy or credential gets in."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "AWS_ACCESS_KEY_ID": DUMMY,
        "AWS_SECRET_ACCESS_KEY": DUMMY,
        "AWS_SESSION_TOKEN": "",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "localhost,127.0.0.1",
        "DOCKER_HOST": f"unix://{home}/no-docker.sock",
    }


def isolated_session() -> boto3.Session:
    """A session that reads neither the caller's AWS files nor a profile, and carries dummy credentials."""
    core = _isolated_core()
    return boto3.Session(aws_access_key_id=DUMMY, aws_secret_access_key=DUMMY, region_name=REGION, botocore_session=core)


def assume_role(role: str, endpoint: str) -> boto3.Session:
    """A session with the role's permissions, which assumes the role again before its keys expire."""
    owner = isolated_session()

    def create_client(service: str, **_credentials: str | None) -> Any:
        return make_client(owner, service, endpoint)

    fetcher = AssumeRoleCredentialFetcher(create_client, owner.get_credentials(), role)
    core = _isolated_core()
    core._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")  # noqa: SLF001 - as botocore does
    return boto3.Session(region_name=REGION, botocore_session=core)


def _isolated_core() -> Any:
    core = botocore.session.Session(
        session_vars={
            "profile": (None, _IGNORE_ENVIRONMENT, None, None),
            "config_file": (None, _IGNORE_ENVIRONMENT, os.devnull, None),
            "credentials_file": (None, _IGNORE_ENVIRONMENT, os.devnull, None),
        }
    )
    core.register_component("data_loader", _shared_loader())
    return core


@cache
def _shared_loader() -> botocore.loaders.Loader:
    """The tables of AWS's endpoints and services, which take 40 MB. Each session would read its own."""
    return botocore.loaders.create_loader()


def require_loopback(url: str) -> None:
    """Raises ValueError unless the host of `url` is a loopback address."""
    host = urlsplit(url).hostname
    if host is None or not ip_address(host).is_loopback:
        raise ValueError(f"not a loopback endpoint: {url}")


def make_client(session: Any, service: str, endpoint: str) -> Any:
    """A client of one emulated service. Raises ValueError if it would talk to anything but loopback."""
    config = Config(proxies={}, retries={"total_max_attempts": 1}, read_timeout=330, s3={"addressing_style": "path"})
    client = session.client(service, endpoint_url=endpoint, config=config)
    require_loopback(client.meta.endpoint_url)
    return client
