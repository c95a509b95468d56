"""Requests to gateways, and how they call back: accounts, HTTP client, rate limiter, circuit breaker, health, callback URLs.

Reading a reply is in ``gateways``; deciding what follows from it is in ``steps`` and ``lifecycle``.
"""
