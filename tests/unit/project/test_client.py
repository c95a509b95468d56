"""The types of the Python client are those of the document."""

from openapi.client_models import FOLDER, modules


def test_the_types_of_the_client_are_those_of_the_document() -> None:
    made = modules()
    assert {name: (FOLDER / name).read_text("utf-8") for name in made} == made, "run make docs"
