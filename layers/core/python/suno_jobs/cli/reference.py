"""The page that describes every command."""

from __future__ import annotations

from suno_jobs.cli.main import app

_BEGINNING = """\
# The command line

Generated from the code by `make docs`. The [runbook](runbook.md#commands-for-operators) explains the exit codes.

Every `make` target installs the command as `.venv/bin/suno-jobs`. The examples leave out the folder.

"""


def page() -> str:
    return _BEGINNING + str(app.generate_docs(output_format="markdown", heading_level=2)).rstrip() + "\n"
