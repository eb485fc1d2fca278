#!/usr/bin/env python3
"""Make an ONNX graph of graph.py one of 8-bit integers, as ONNX Runtime does: integer.py IN.onnx PHOTO.png OUT.onnx

Static quantisation, a scale per output channel, unsigned maps, calibrated on 16 crops of the photograph. Windows that count known
pixels stay floats: their sums are whole numbers already.
"""
import sys

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from PIL import Image


class Crops(CalibrationDataReader):
    def __init__(self, photo, inputs):
        self.inputs, self.left = inputs, 16
        self.photo = np.asarray(Image.open(photo).convert("RGB"), np.float32) / 255
        self.random = np.random.default_rng(0)

    def get_next(self):
        if self.left == 0:
            return None
        self.left -= 1
        (_, _, height, width), has_prior = self.inputs["x"], "h" in self.inputs
        y, x = self.random.integers(self.photo.shape[0]), self.random.integers(self.photo.shape[1])
        image = np.roll(self.photo, (y, x), (0, 1))
        image = np.tile(image, (-(-height // image.shape[0]), -(-width // image.shape[1]), 1))[:height, :width]
        image = np.ascontiguousarray(image.transpose(2, 0, 1)[None])
        mask = np.ones((1, 1, height, width), np.float32)
        mask[:, :, height // 4: height // 2, width // 4: width // 2] = 0
        return {"x": image, "m": mask} | ({"h": image} if has_prior else {})


def main():
    source, photo, out = sys.argv[1:]
    model = onnx.load(source)
    inputs = {i.name: [d.dim_value for d in i.type.tensor_type.shape.dim] for i in model.graph.input}
    channels = {t.name: t.dims[0] for t in model.graph.initializer}
    for i, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}_{i}"
    counts = [node.name for node in model.graph.node if node.op_type == "Conv" and channels[node.input[1]] == 1]
    quantize_static(model, out, Crops(photo, inputs), quant_format=QuantFormat.QDQ, op_types_to_quantize=["Conv"],
                    per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, nodes_to_exclude=counts)


main()
