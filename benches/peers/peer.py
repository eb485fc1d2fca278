#!/usr/bin/env python3
"""Time one engine on a random image with one centre square of 25 % as hole: peer.py ort|openvino|mnn MODEL THREADS RUNS

MODEL is the .onnx file, for mnn the .mnn file. Prints one JSON line: best and median seconds, peak RSS in MB.
"""
import json
import resource
import sys
import time

import numpy as np


def load(engine, path, threads):
    if engine == "ort":
        import onnxruntime as ort
        so = ort.SessionOptions()
        so.intra_op_num_threads = threads
        s = ort.InferenceSession(path, so, providers=["CPUExecutionProvider"])
        h, w = s.get_inputs()[0].shape[2:]
        return h, w, lambda x, m: s.run(None, {"x": x, "m": m})[0]
    import onnx
    onnx_path = path if path.endswith(".onnx") else path.rsplit(".", 1)[0] + ".onnx"
    dims = onnx.load(onnx_path, load_external_data=False).graph.input[0].type.tensor_type.shape.dim
    h, w = dims[2].dim_value, dims[3].dim_value
    if engine == "openvino":
        import openvino as ov
        c = ov.Core().compile_model(path, "CPU", {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY",
                                                  "INFERENCE_PRECISION_HINT": "f32"})
        return h, w, lambda x, m: np.array(c([x, m])[0])
    if engine == "mnn":
        import MNN
        import MNN.expr as F
        rt = MNN.nn.create_runtime_manager(({"backend": "CPU", "numThread": threads, "precision": "high"},))
        net = MNN.nn.load_module_from_file(path, ["x", "m"], ["y"], runtime_manager=rt)

        def run(x, m):
            y = net.forward([F.const(x, [1, 3, h, w], F.NCHW), F.const(m, [1, 1, h, w], F.NCHW)])
            y = y[0] if isinstance(y, (list, tuple)) else y
            return np.array(F.convert(y, F.NCHW).read()).reshape(1, 3, h, w)
        return h, w, run
    sys.exit(__doc__)


def main():
    engine, path, threads, runs = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    h, w, f = load(engine, path, threads)
    x = np.random.default_rng(0).random((1, 3, h, w), dtype=np.float32)
    m = np.ones((1, 1, h, w), np.float32)
    m[:, :, h // 4:h // 4 + h // 2, w // 4:w // 4 + w // 2] = 0
    x, m = np.ascontiguousarray(x), np.ascontiguousarray(m)
    for _ in range(2):
        y = f(x, m)
    times = []
    for _ in range(runs):
        t = time.perf_counter()
        y = f(x, m)
        times.append(time.perf_counter() - t)
    print(json.dumps({"engine": engine, "threads": threads, "best_s": round(min(times), 4), "median_s": round(sorted(times)[len(times) // 2], 4),
                      "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "mean": float(y.mean())}))


main()
