#!/usr/bin/env python3
"""Time this engine beside MNN, OpenVINO and ONNX Runtime on one network: run.py [ROUNDS]

Every engine runs in a process of its own, in turn, round after round, one thread first; the table gives best and median over
all rounds, the ratio of medians to ours, and peak memory. See README.md beside this file for what to install.
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
    subprocess.run(["cargo", "build", "--release", "--example", "bench_network"], cwd=ROOT, check=True)
    folder = os.path.join(tempfile.gettempdir(), "inpaint-edge-peers")
    os.makedirs(folder, exist_ok=True)
    weights, onnx, mnn = (os.path.join(folder, "paper" + e) for e in (".safetensors", ".onnx", ".mnn"))
    graph = [sys.executable, os.path.join(HERE, "graph.py")]
    if not os.path.exists(mnn):
        subprocess.run(graph + ["--random", "7", "64", weights], check=True)
        subprocess.run(graph + [weights, "512", "512", onnx], check=True)
        subprocess.run([BIN, "-f", "ONNX", "--modelFile", onnx, "--MNNModel", mnn, "--bizCode", "x"], check=True,
                       stdout=subprocess.DEVNULL)
    peer = [sys.executable, os.path.join(HERE, "peer.py")]
    for threads in ("1", "2"):
        rows = {
            "inpaint-edge, 25 % hole": [OURS, weights, "512", "0.25", threads, "3"],
            "inpaint-edge, 5 % hole": [OURS, weights, "512", "0.05", threads, "3"],
            "inpaint-edge, 25 % hole, plan off": [OURS, weights, "512", "0.25", threads, "3", "--dense"],
            "MNN": peer + ["mnn", mnn, "512", threads, "3"],
            "OpenVINO": peer + ["openvino", onnx, "512", threads, "3"],
            "ONNX Runtime": peer + ["ort", onnx, "512", threads, "3"],
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
            print(f"| {name} | {min(r['best_s'] for r in runs):.3f} | {median:.3f} | {median / ours:.2f} "
                  f"| {max(r['peak_rss_mb'] for r in runs)} |", flush=True)


main()
