from __future__ import annotations

import gc


def collect_garbage_less_often() -> None:
    """Tests allocate millions of objects with hardly any cycles: this saves a tenth of their time.

    It takes half as much memory again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
