"""The import path that a function has on Lambda: only what the layers ship, and AWS's runtime client.

The project's `.venv` contains more. boto3 would find awscrt and pyOpenSSL there, import them at every start, and search the
definitions of four hundred services. Beside such a slow floor everything would look fast.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNTIME = ("awslambdaric", "simplejson", "snapshot-restore-py")


def import_path(folder: Path) -> list[str]:
    """Fills `folder` with links to the installed packages of the dependencies layer, as `packaging/Makefile` ships them."""
    pinned = re.findall(r"^([A-Za-z0-9._-]+)==", _text("layers/dependencies/requirements.txt"), re.MULTILINE)
    for name in (*pinned, *RUNTIME):
        package = distribution(name)
        for part in _top_level(str(file) for file in package.files or ()):
            (folder / part).symlink_to(Path(str(package.locate_file(part))))
    for name in ("boto3", "botocore"):
        _keep_shipped_services(folder / name)
    return [str(ROOT / "layers/core/python"), str(folder)]


def _top_level(files: Iterable[str]) -> set[str]:
    return {file.partition("/")[0] for file in files} - {"..", "__pycache__"}


def _keep_shipped_services(package: Path) -> None:
    services = re.findall(r"^AWS_SERVICES := (.+)$", _text("packaging/Makefile"), re.MULTILINE)[0].split()
    installed = package.readlink()
    package.unlink()
    (package / "data").mkdir(parents=True)
    for child in installed.iterdir():
        if child.name != "data":
            (package / child.name).symlink_to(child)
    for child in (installed / "data").iterdir():
        if child.is_file() or child.name in services:
            (package / "data" / child.name).symlink_to(child)


def _text(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")
