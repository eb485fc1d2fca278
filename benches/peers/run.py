#!/usr/bin/env python3
"""Time this engine beside MNN, OpenVINO and ONNX Runtime on one network: run.py [ROUNDS [paper|edge|integer]]

`paper` is the network of Liu et al. 2018 at its size, with random weights; `edge` is the shipped one in floats, and `integer` in
integers, which MNN does not run. Every engine runs in a process of its own, in turn, round after round, one thread first; the
table gives best and median over all rounds, the ratio of medians to ours at a hole of 25 %, and peak memory. See README.md
beside this file for what to install.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BIN = os.path.join(os.path.dirname(sys.executable), "mnnconvert")
OURS = os.path.join(ROOT, "target/release/examples/bench_network")


def last_json(command):
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    net = sys.argv[2] if len(sys.argv) > 2 else "paper"
    subprocess.run(["cargo", "build", "--release", "--example", "bench_network", "--features", "fs"], cwd=ROOT, check=True)
    folder = os.path.join(tempfile.gettempdir(), "inpaint-edge-peers")
    os.makedirs(folder, exist_ok=True)
    weights, onnx, mnn = (os.path.join(folder, net + e) for e in (".safetensors", ".onnx", ".mnn"))
    graph = [sys.executable, os.path.join(HERE, "graph.py")]
    if net in ("edge", "integer"):
        weights = os.path.join(ROOT, "weights/edge-f16.safetensors")
    elif not os.path.exists(weights):
        subprocess.run(graph + ["--random", "7", "64", weights], check=True)
    subprocess.run(graph + [weights, "512", "512", onnx], check=True)
    files = {"": weights}
    if net == "integer":
        photo, integers = os.path.join(ROOT, "tests/images/photo.png"), os.path.join(folder, "int8.onnx")
        subprocess.run([sys.executable, os.path.join(HERE, "integer.py"), onnx, photo, integers], check=True,
                       stdout=subprocess.DEVNULL)
        onnx = integers
        files = {"": os.path.join(ROOT, "weights/edge.safetensors"), " in floats": weights}
    else:
        subprocess.run([BIN, "-f", "ONNX", "--modelFile", onnx, "--MNNModel", mnn, "--bizCode", "x"], check=True,
                       stdout=subprocess.DEVNULL)
    peer = [sys.executable, os.path.join(HERE, "peer.py")]
    holes = {
        "paper": {"25 % hole": ["0.25"], "5 % hole": ["0.05"], "25 % hole, plan off": ["0.25", "--dense"]},
        "edge": {"25 % hole": ["0.25"], "100 px": ["100px"], "20 px": ["20px"], "wire": ["wire"]},
        "integer": {"25 % hole": ["0.25"], "100 px": ["100px"]},
    }[net]
    prior = ["prior"] if net != "paper" else []
    for threads in ("1", "2"):
        rows = {f"inpaint-edge, {name}{kind}": [OURS, file, "512", hole, threads, "3", *flags]
                for kind, file in files.items() for name, (hole, *flags) in holes.items()}
        if net != "integer":
            rows["MNN"] = peer + ["mnn", mnn, "512", threads, "3", *prior]
        rows |= {
            "OpenVINO": peer + ["openvino", onnx, "512", threads, "3", *prior],
            "ONNX Runtime": peer + ["ort", onnx, "512", threads, "3", *prior],
        }
        found = {name: [] for name in rows}
        for _ in range(rounds):
            for name, command in rows.items():
                found[name].append(last_json(command))
        ours = statistics.median(r["median_s"] for r in found["inpaint-edge, 25 % hole"])
        print(f"\n{threads} thread(s), {rounds} rounds\n")
        print("| engine | best s | median s | median / ours at 25 % | peak RSS MB |\n|---|---|---|---|---|")
        for name, runs in found.items():
            median = statistics.median(r["median_s"] for r in runs)
            print(f"| {name} | {min(r['best_s'] for r in runs):.4f} | {median:.4f} | {median / ours:.2f} "
                  f"| {max(r['peak_rss_mb'] for r in runs)} |", flush=True)


main()
