"""Runs `suno-jobs` for a local stack, whose gateways are on loopback; see decision 12."""

import importlib
import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """The first argument has the origins of the stack, separated by commas; the others are those of the command."""
    origins = importlib.import_module("suno_jobs.network.local_origins")
    vars(origins)["LOCAL_ORIGINS"] = frozenset(sys.argv[1].split(","))
    from suno_jobs.cli.main import main as command  # noqa: PLC0415 - after the origins are known

    return command(sys.argv[2:])


def write_shell_file(file: Path, variables: Mapping[str, str], origins: Iterable[str]) -> None:
    """What points a shell at a local stack: the environment, and a command `suno-jobs` in a folder beside the file."""
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from local.operating import main; sys.exit(main())"
    command = file.parent / "bin" / "suno-jobs"
    command.parent.mkdir(exist_ok=True)
    command.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-c", program, ",".join(origins)])} "$@"\n', "utf-8")
    command.chmod(0o755)
    exports = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    file.write_text("\n".join([*exports, f"export PATH={shlex.quote(str(command.parent.resolve()))}:$PATH", ""]), "utf-8")
