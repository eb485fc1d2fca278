#!/usr/bin/env python3
"""Time one engine on a random image with one centre square of 25 % as hole: peer.py ort|openvino|mnn MODEL SIZE THREADS RUNS [prior]

MODEL is the .onnx file, for mnn the .mnn file, of a network on SIZE x SIZE pixels, with `prior` one that reads a prior. Prints one JSON line: best and median seconds, peak RSS in MB.
"""
import json
import resource
import sys
import time

import numpy as np


def load(engine, path, size, threads, names):
    if engine == "ort":
        import onnxruntime as ort
        so = ort.SessionOptions()
        so.intra_op_num_threads = threads
        s = ort.InferenceSession(path, so, providers=["CPUExecutionProvider"])
        return lambda *inputs: s.run(None, dict(zip(names, inputs)))[0]
    if engine == "openvino":
        import openvino as ov
        c = ov.Core().compile_model(path, "CPU", {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY",
                                                  "INFERENCE_PRECISION_HINT": "f32"})
        return lambda *inputs: np.array(c(list(inputs))[0])
    if engine == "mnn":
        import MNN
        import MNN.expr as F
        rt = MNN.nn.create_runtime_manager(({"backend": "CPU", "numThread": threads, "precision": "high"},))
        net = MNN.nn.load_module_from_file(path, names, ["y"], runtime_manager=rt)

        def run(*inputs):
            y = net.forward([F.const(v, list(v.shape), F.NCHW) for v in inputs])
            y = y[0] if isinstance(y, (list, tuple)) else y
            return np.array(F.convert(y, F.NCHW).read()).reshape(1, 3, size, size)
        return run
    sys.exit(__doc__)


def main():
    engine, path, (size, threads, runs) = sys.argv[1], sys.argv[2], map(int, sys.argv[3:6])
    names = ["x", "m", "h"] if "prior" in sys.argv[6:] else ["x", "m"]
    f = load(engine, path, size, threads, names)
    x = np.random.default_rng(0).random((1, 3, size, size), dtype=np.float32)
    m = np.ones((1, 1, size, size), np.float32)
    hole = slice(size // 4, size // 4 + size // 2)
    m[:, :, hole, hole] = 0
    inputs = [np.ascontiguousarray(v) for v in (x, m, x)][: len(names)]
    for _ in range(2):
        y = f(*inputs)
    times = []
    for _ in range(runs):
        t = time.perf_counter()
        y = f(*inputs)
        times.append(time.perf_counter() - t)
    print(json.dumps({"engine": engine, "threads": threads, "best_s": round(min(times), 4), "median_s": round(sorted(times)[len(times) // 2], 4),
                      "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "mean": float(y.mean())}))


main()
