"""Two programs of a product team that use clients generated from docs/openapi.json, in Python and in TypeScript.

Each creates a job, waits for its end, downloads the audio and prints the digest and the number of bytes of each file. The
clients are generated and compiled anew in each test.
"""
