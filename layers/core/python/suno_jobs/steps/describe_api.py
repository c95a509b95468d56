"""Describe API: what the API consists of, for requests that no other function serves. It needs no key and no permission."""

from __future__ import annotations

from suno_jobs.errors import MethodNotAllowed, RouteNotFound
from suno_jobs.runtime.problem_pages import BY_NAME, html_page
from suno_jobs.runtime.routes import allowed_methods


def problem_page(name: str) -> str:
    """The documentation of a problem, in HTML. Raises RouteNotFound."""
    if name not in BY_NAME:
        raise RouteNotFound("There is no problem with this name.")
    return html_page(BY_NAME[name])


def methods_of(method: str, path: str) -> tuple[str, ...]:
    """The answer to OPTIONS. Raises RouteNotFound, and MethodNotAllowed for every other method."""
    allowed = allowed_methods(path)
    if not allowed or method in set(allowed) - {"OPTIONS"}:
        # A path of that form with a name of characters that no name has is known to no route.
        raise RouteNotFound("The API has no route with this path. No path ends with a slash.")
    if method != "OPTIONS":
        raise MethodNotAllowed(allowed)
    return allowed
