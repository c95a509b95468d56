"""``python -m openapi`` writes the document."""

from openapi.document import FILE, text

if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
