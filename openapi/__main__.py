"""``python -m openapi`` writes the document into its files."""

from openapi.document import files

if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, "utf-8")
