"""``python -m openapi`` writes the document, and the types of the Python client."""

from openapi import client_models
from openapi.document import FILE, text

if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
    for name, module in client_models.modules().items():
        (client_models.FOLDER / name).write_text(module, "utf-8")
