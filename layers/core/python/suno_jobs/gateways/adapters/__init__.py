"""One gateway per module or group of modules: its paths, field names, statuses and error codes.

No other package contains a gateway's field names. ``record_info`` is what AnyInt, sunoapi.org and kie.ai have in common.
"""
