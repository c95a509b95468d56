"""What is in the two layers: a bill of materials (CycloneDX) and a table of licences, written by ``make build``."""
