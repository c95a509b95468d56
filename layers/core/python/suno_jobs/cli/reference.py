"""The page that describes every command."""

from __future__ import annotations

from suno_jobs.cli.main import app

_BEGINNING = """\
# The command line

Generated from the code by `make docs`. [Runbook](runbook.md#commands-for-operators) has the exit codes.

"""


def page() -> str:
    return _BEGINNING + str(app.generate_docs(output_format="markdown", heading_level=2)).rstrip() + "\n"
