from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from suno_jobs.errors import RouteNotFound
from suno_jobs.steps.serve_console import Console
from tests.builders import event, handler
from tests.world import ROOT

PAGE = ROOT / "functions/serve_console/page"
ASSETS = "https://assets.example"


@pytest.fixture
def serve(deployed: SimpleNamespace) -> Callable[..., dict[str, Any]]:
    handle = handler("serve_console")

    def answer(name: str = "page", *, method: str = "GET", path: str | None = None, tag: str | None = None) -> dict[str, Any]:
        given = event(f"serve_console/{name}")
        if path:
            given["rawPath"] = given["requestContext"]["http"]["path"] = path
        if tag:
            given["headers"]["if-none-match"] = tag
        given["requestContext"]["http"]["method"] = method
        found: dict[str, Any] = handle(given)
        return found

    return answer


def test_the_page_is_served_without_a_key(serve: Callable[..., dict[str, Any]]) -> None:
    found = serve()
    assert (found["statusCode"], found["body"]) == (200, (PAGE / "index.html").read_text())
    assert found["headers"]["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("suffix", "media_type"),
    [(".js", "text/javascript; charset=utf-8"), (".css", "text/css; charset=utf-8"), (".svg", "image/svg+xml")],
)
def test_a_file_has_its_media_type(serve: Callable[..., dict[str, Any]], suffix: str, media_type: str) -> None:
    files = list(PAGE.glob(f"*{suffix}"))
    assert files
    for file in files:
        found = serve("module", path=f"/console/{file.name}")
        assert (found["headers"]["Content-Type"], found["body"]) == (media_type, file.read_text())


def test_head_has_the_headers_of_get(serve: Callable[..., dict[str, Any]]) -> None:
    assert serve(method="HEAD")["headers"] == serve()["headers"]


@pytest.mark.parametrize("name", ["page", "module"])
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_a_file_that_the_browser_has_is_not_sent_again(serve: Callable[..., dict[str, Any]], name: str, form: str) -> None:
    first = serve(name)
    assert first["headers"]["Cache-Control"] == "no-cache"
    again = serve(name, tag=form.format(first["headers"]["ETag"]))
    assert (again["statusCode"], again["body"]) == (304, "")
    assert again["headers"]["ETag"] == first["headers"]["ETag"]
    assert again["headers"]["Content-Security-Policy"] == first["headers"]["Content-Security-Policy"]


def test_another_version_of_a_file_is_sent(serve: Callable[..., dict[str, Any]]) -> None:
    assert serve(tag='"other"')["statusCode"] == 200


@pytest.mark.parametrize(
    "path",
    ["/console/unknown.js", "/console/index.html", "/console/..", "/console/../app.py", "/console/..%2Fapp.py", "/console/"],
)
def test_nothing_else_is_served(serve: Callable[..., dict[str, Any]], path: str) -> None:
    found = serve("module", path=path)
    assert found["statusCode"] == 404
    assert json.loads(found["body"])["type"] == RouteNotFound.type_uri()


def test_the_page_may_use_the_api_and_the_assets_and_nothing_else(serve: Callable[..., dict[str, Any]]) -> None:
    text = serve()["headers"]["Content-Security-Policy"]
    policy = {name: set(values) for name, *values in (each.split() for each in text.split("; "))}
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == {"'none'"}
    assert policy["script-src"] == policy["style-src"] == {"'self'"}
    assert policy["connect-src"] == policy["img-src"] == {"'self'", ASSETS}
    assert policy["media-src"] == {ASSETS}
    assert policy["require-trusted-types-for"] == {"'script'"}
    assert policy["trusted-types"] == {"'none'"}


def test_no_other_page_can_watch_or_frame_the_console(serve: Callable[..., dict[str, Any]]) -> None:
    headers = serve()["headers"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "microphone=()" in headers["Permissions-Policy"]


def test_a_file_of_an_unknown_type_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(KeyError, match=r"\.txt"):
        Console(tmp_path, ASSETS)
