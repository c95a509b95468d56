"""Webhooks to clients: their endpoints, what is delivered to them, and how it is signed and sent (Standard Webhooks).

Not here: callbacks of gateways (``traffic``, ``storage``), and what an event says about its job (``lifecycle``).
"""
