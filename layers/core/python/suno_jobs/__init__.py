"""What suno-jobs thinks: the life of a job, the gateways, callback trust, the asset gate and the rate budget."""

import logging

# Both print whole URLs and headers, signatures included (I9), as soon as somebody turns the log level up.
for _wire in ("httpx", "httpcore"):
    logging.getLogger(_wire).setLevel(logging.WARNING)
