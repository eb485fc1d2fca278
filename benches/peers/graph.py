#!/usr/bin/env python3
"""The partial-convolution U-Net as an ONNX graph, so that other engines can run the same weights.

    graph.py WEIGHTS.safetensors HEIGHT WIDTH OUT.onnx
    graph.py --random LEVELS WIDTH WEIGHTS.safetensors     random weights in the engine's schema, the paper's layers

Inputs of the graph: x [1,3,H,W] in 0..1 (any value in holes), m [1,1,H,W] with 1 = known and, where the weights have a
prior, h [1,3,H,W]: x with that prior in its holes. Output y [1,3,H,W] in 0..1, composited. H and W are multiples of
2^levels. A tensor has one mask plane, the cheapest form for a generic engine.
"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors import safe_open
from safetensors.numpy import save_file


def random_weights(encoder, decoder, path, rng, dtype=np.float32, last_gain=1.0, prior_input=False):
    """encoder: (kernel, channels) of enc1 ... encL; decoder: channels of decL ... dec1."""
    inputs = 6 if prior_input else 3
    levels, tensors, c = len(encoder), {}, inputs

    def add(name, c_in, c_out, k):
        scale = (last_gain if name == "dec1" else 1) * (2 / (c_in * k * k)) ** 0.5
        tensors[name + ".weight"] = rng.normal(0, scale, (c_out, c_in, k, k)).astype(dtype)
        tensors[name + ".bias"] = rng.normal(0, 0.02, c_out).astype(dtype)

    for i, (k, c_out) in enumerate(encoder, 1):
        add(f"enc{i}", c, c_out, k)
        c = c_out
    for i, c_out in zip(range(levels, 0, -1), decoder):
        add(f"dec{i}", c + (encoder[i - 2][1] if i > 1 else inputs), c_out, 3)
        c = c_out
    prior = {"prior": "harmonic", "prior_input": "true"} if prior_input else {}
    save_file(tensors, path, metadata=prior | {
        "format": "inpaint-edge/1", "arch": "pconv-unet", "levels": str(levels), "color": "rgb",
        "input_mean": "0.48,0.45,0.41", "input_std": "0.23,0.22,0.25",
        "encoder_activation": "relu", "decoder_slope": "0.2"})


def paper_weights(levels, width, path):
    channels = [min(width * 2**i, 8 * width) for i in range(levels)]
    encoder = list(zip([7, 5, 5] + [3] * (levels - 3), channels))
    random_weights(encoder, channels[levels - 2::-1] + [3], path, np.random.default_rng(7))


def build(weights, height, width, out):
    with safe_open(weights, "np") as f:
        meta = f.metadata()
        t = {k: f.get_tensor(k).astype(np.float32) for k in f.keys()}
    levels = int(meta["levels"])
    mean = np.array([float(v) for v in meta["input_mean"].split(",")], np.float32).reshape(1, 3, 1, 1)
    std = np.array([float(v) for v in meta["input_std"].split(",")], np.float32).reshape(1, 3, 1, 1)
    nodes, inits, seen = [], [], {}

    def const(v):
        v = np.ascontiguousarray(v, dtype=np.float32 if np.asarray(v).dtype != np.int64 else np.int64)
        key = (v.tobytes(), v.shape)
        if key not in seen:
            seen[key] = f"c{len(seen)}"
            inits.append(numpy_helper.from_array(v, seen[key]))
        return seen[key]

    count = [0]

    def op(kind, *ins, **attr):
        count[0] += 1
        name = f"{kind}{count[0]}"
        nodes.append(helper.make_node(kind, list(ins), [name], **attr))
        return name

    def up(v):
        return op("Resize", v, "", const(np.array([1, 1, 2, 2], np.float32)), mode="nearest",
                  coordinate_transformation_mode="asymmetric", nearest_mode="floor")

    def pconv(groups, name, stride, act):
        """groups: value, mask and channels of each operand; None is the mask of a prior, which is known everywhere."""
        w, b = t[name + ".weight"], t[name + ".bias"]
        k = w.shape[2]
        xs = [x if m is None else op("Mul", x, m) for x, m, _ in groups]
        x = xs[0] if len(xs) == 1 else op("Concat", *xs, axis=1)
        geo = dict(kernel_shape=[k, k], strides=[stride, stride], pads=[k // 2] * 4)

        def count(mask):
            return op("Conv", mask, const(np.ones((1, 1, k, k), np.float32)), **geo)

        ms = [op("Mul", m, const(np.float32(c))) for _, m, c in groups if m is not None]
        s = count(ms[0] if len(ms) == 1 else op("Add", *ms))
        known = op("Clip", s, const(np.float32(0)), const(np.float32(1)))
        for c in (c for _, m, c in groups if m is None):
            s = op("Add", s, count(const(np.full((1, 1, height, width), c, np.float32))))
        ratio = op("Mul", op("Div", const(np.float32(w.shape[1] * k * k)), op("Max", s, const(np.float32(1)))), known)
        y = op("Mul", op("Conv", x, const(w), **geo), ratio)
        y = op("Mul", op("Add", y, const(b.reshape(1, -1, 1, 1))), known)
        if act == "relu":
            y = op("Relu", y)
        elif act == "leaky":
            y = op("LeakyRelu", y, alpha=float(meta["decoder_slope"]))
        return y, known, w.shape[0]

    def normalised(image):
        return op("Div", op("Sub", image, const(mean)), const(std))

    has_prior = meta.get("prior", "none") != "none"
    prior = normalised("h") if has_prior else None
    feats = [[(normalised("x"), "m", 3)]]
    if meta.get("prior_input") == "true":
        feats[0].append((prior, None, 3))
    for i in range(1, levels + 1):
        feats.append([pconv(feats[-1], f"enc{i}", 2, "relu")])
    [h] = feats[-1]
    for i in range(levels, 0, -1):
        h = pconv([(up(h[0]), up(h[1]), h[2]), *feats[i - 1]], f"dec{i}", 1, "leaky" if i > 1 else None)
    y = op("Add", h[0], prior) if has_prior else h[0]
    y = op("Clip", op("Add", op("Mul", y, const(std)), const(mean)), const(np.float32(0)), const(np.float32(1)))
    hole = op("Sub", const(np.float32(1)), "m")
    nodes.append(helper.make_node("Add", [op("Mul", "x", "m"), op("Mul", y, hole)], ["y"]))

    def tensor(name, channels):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, height, width])

    inputs = [tensor("x", 3), tensor("m", 1)] + ([tensor("h", 3)] if has_prior else [])
    g = helper.make_graph(nodes, "pconv_unet", inputs, [tensor("y", 3)], inits)
    model = helper.make_model(g, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, out)


if __name__ == "__main__":
    if len(sys.argv) == 5 and sys.argv[1] == "--random":
        paper_weights(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    elif len(sys.argv) == 5:
        build(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    else:
        sys.exit(__doc__)
