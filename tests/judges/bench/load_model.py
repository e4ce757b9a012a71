"""Loads one model on one engine in this process and runs it once: prints the seconds until it could run, and the peak of
memory above what the process had before, as JSON.
"""
import ctypes
import json
import re
import sys
import time

import numpy as np

from bench_onnxruntime import Ours, Theirs, random_inputs


def memory(field):
    """Bytes of this process: VmRSS now, VmHWM at most."""
    with open("/proc/self/status") as status:
        return int(re.search(rf"{field}:\s+(\d+) kB", status.read()).group(1)) * 1024


def main():
    engine, library, path, *sizes = sys.argv[1:]
    library = ctypes.CDLL(library)
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")  # the peak starts over
    before, start = memory("VmRSS"), time.perf_counter()
    if engine == "ours":
        side = Ours(library, path, 1)
        side.call("pare_model_prepare", side.model)
    else:
        side = Theirs(path, 1, True)
    seconds = time.perf_counter() - start
    if engine == "ours":
        side.bind({i: np.zeros(int(size), np.uint8) for i, size in enumerate(sizes)})
    else:
        side.bind(random_inputs(side.session))
    side.run()
    print(json.dumps({"seconds": seconds, "bytes": memory("VmHWM") - before}))


main()
