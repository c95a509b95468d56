"""Outgoing HTTP that is not specific to gateways: the HTTP client in use, the SSRF guard, and the download of one file.

Nothing here knows jobs, gateways or AWS.
"""
