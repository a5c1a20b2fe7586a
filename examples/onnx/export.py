"""Exports a small network with dilated convolutions from PyTorch to ONNX, for pictures of any size."""
import sys
import torch
from torch import nn

torch.manual_seed(1)


def layer(inputs, outputs, rate):
    conv = nn.Conv2d(inputs, outputs, 3, padding=rate, dilation=rate)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


class Network(nn.Module):
    """Rates 1, 2, 5 (no holes) on half the resolution, then logits of three classes at full size."""

    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(3, 12, 3, stride=2, padding=1)
        self.context = nn.Sequential(layer(12, 12, 1), layer(12, 12, 2), layer(12, 12, 5))
        self.logits = nn.Conv2d(12, 3, 1)

    def forward(self, x):
        y = self.logits(self.context(torch.relu(self.down(x))))
        return nn.functional.interpolate(y, size=x.shape[2:], mode="bilinear", align_corners=False)


sizes = {2: "height", 3: "width"}
torch.onnx.export(Network().eval(), torch.zeros(1, 3, 64, 64), sys.argv[1], opset_version=13,
                  input_names=["image"], output_names=["logits"], dynamic_axes={"image": sizes, "logits": sizes})
