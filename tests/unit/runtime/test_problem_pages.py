from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from suno_jobs import errors
from suno_jobs.errors import PROBLEMS, ClientError
from suno_jobs.runtime import problem_pages
from suno_jobs.runtime.problem_pages import html_page, markdown
from tests.world import ROOT


def test_every_error_of_a_client_is_a_problem_with_its_own_page() -> None:
    defined = {each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, ClientError)}
    assert defined - {ClientError} == set(PROBLEMS)
    assert {each for each in ClientError.__subclasses__() if each.__module__.startswith("suno_jobs")} == set(PROBLEMS)
    assert len({each.name for each in PROBLEMS}) == len(PROBLEMS)
    assert [each.status for each in PROBLEMS] == sorted(each.status for each in PROBLEMS)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda each: each.name)
def test_a_page_says_what_to_do(problem: type[ClientError]) -> None:
    page = html_page(problem)
    assert f"<h1>{problem.title}</h1>" in page
    for text in (problem.type_uri(), str(problem.status), problem.meaning, problem.remedy):
        assert f"<dd>{text}</dd>" in page
    assert ("it can succeed later" in page) == problem.repeatable


def test_the_document_of_the_problems_is_that_of_the_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert (ROOT / "docs/problems.md").read_text() == markdown(), "run make docs"
    monkeypatch.setattr("sys.argv", ["problem_pages", str(tmp_path / "problems.md")])
    runpy.run_path(str(problem_pages.__file__), run_name="__main__")
    assert (tmp_path / "problems.md").read_text() == markdown()
