"""Checking a downloaded file by its content: what it is, whether it is complete, how long it plays.

One module per container or codec family. Nothing here knows where a file came from or where it will be stored.
"""
