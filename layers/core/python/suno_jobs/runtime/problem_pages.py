"""The documentation of the problems: a page each for ``/v1/problems/{name}``, and all of them as docs/problems.md.

``make docs`` runs this module.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from types import MappingProxyType

from suno_jobs.errors import PROBLEMS, ClientError

BY_NAME: Mapping[str, type[ClientError]] = MappingProxyType({each.name: each for each in PROBLEMS})

_INTRODUCTION = """# Problems

Every error of a request that the service itself reports is a problem document (RFC 9457). Its `type` is one of these paths. \
The API serves each section as a page under that path, without an API key. `make docs` writes this file from the code."""


def html_page(problem: type[ClientError]) -> str:
    title = escape(problem.title)
    rows = "".join(f"<dt>{escape(head)}</dt><dd>{escape(text)}</dd>" for head, text in _facts(problem))
    head = f'<meta charset="utf-8"><title>{title}</title>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{title}</h1><dl>{rows}</dl></body></html>'


def markdown() -> str:
    return "\n\n".join([_INTRODUCTION, *map(_section, PROBLEMS)]) + "\n"


def _section(problem: type[ClientError]) -> str:
    return "\n\n".join([f"## {problem.title}", *(f"**{head}:** {text}" for head, text in _facts(problem))])


def _facts(problem: type[ClientError]) -> Sequence[tuple[str, str]]:
    repeatable = "safe, and it can succeed later" if problem.repeatable else "useless until something else has changed"
    return (
        ("Type", problem.type_uri()),
        ("Status", str(problem.status)),
        ("What it means", problem.meaning),
        ("What to do", problem.remedy),
        ("Repeating the same request", repeatable),
    )


def main(arguments: Sequence[str]) -> None:
    """Writes the document that is the one argument."""
    [document] = arguments
    Path(document).write_text(markdown(), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
