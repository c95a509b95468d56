"""The interface to the gateways: the protocol, the registry, and what adapters share to build requests and read replies.

Everything here is pure: no I/O, no clock, no AWS. A name that only one gateway uses belongs in its adapter. Sending a request
is in ``traffic``.
"""
