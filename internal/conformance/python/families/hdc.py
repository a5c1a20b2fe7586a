"""Hybrid dilated convolution: Wang et al., "Understanding convolution for semantic segmentation", WACV 2018."""
import torch.nn.functional as F
from torch import nn
from torchvision.models.resnet import Bottleneck

from families._case import case


CONV = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
NORM = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


class BasicBlock(nn.Module):
    """ResNet basic block with both 3x3 convolutions dilated; torchvision's refuses dilation above 1."""

    expansion = 1

    def __init__(self, inplanes, planes, stride=1, downsample=None, dilation=1, axes=2):
        super().__init__()
        conv, norm = CONV[axes], NORM[axes]
        self.conv1 = conv(inplanes, planes, 3, stride, dilation, dilation, bias=False)
        self.bn1 = norm(planes)
        self.conv2 = conv(planes, planes, 3, 1, dilation, dilation, bias=False)
        self.bn2 = norm(planes)
        self.downsample = downsample

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


class BottleneckND(nn.Module):
    """torchvision's Bottleneck over 1 or 3 axes."""

    expansion = 4

    def __init__(self, inplanes, planes, stride, downsample, dilation, axes):
        super().__init__()
        conv, norm = CONV[axes], NORM[axes]
        self.conv1, self.bn1 = conv(inplanes, planes, 1, bias=False), norm(planes)
        self.conv2, self.bn2 = conv(planes, planes, 3, stride, dilation, dilation, bias=False), norm(planes)
        self.conv3, self.bn3 = conv(planes, 4 * planes, 1, bias=False), norm(4 * planes)
        self.downsample = downsample

    def forward(self, x):
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn3(self.conv3(self.bn2(self.conv2(y)).relu()))
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


def hdc_group(block, inChannels, planes, rates, stride=1, axes=2):
    cls = {"basic": BasicBlock, "bottleneck": Bottleneck if axes == 2 else BottleneckND}[block]
    options = {} if axes == 2 else {"axes": axes}
    out, blocks = planes * cls.expansion, []
    for i, rate in enumerate(rates):
        cin, s = (inChannels, stride) if i == 0 else (out, 1)
        down = None
        if s != 1 or cin != out:
            down = nn.Sequential(CONV[axes](cin, out, 1, s, bias=False), NORM[axes](out))
        blocks.append(cls(cin, planes, s, down, dilation=rate, **options))
    return nn.Sequential(*blocks)


# Written out as section 4.1.2 says it, not computed as hdcRates computes it.
RATES = {
    (101, "rf"): ([1, 2, 3] * 7 + [2, 2], [3, 4, 5]),
    (101, "bigger"): ([1, 2, 5, 9] * 5 + [1, 2, 5], [5, 9, 17]),
    (50, "bigger"): ([1, 2, 5, 9, 1, 2], [5, 9, 17]),
    (34, "rf"): ([1, 2, 3, 1, 2, 3], [3, 4, 5]),
    (18, "bigger"): ([1, 2], [5, 9]),
}


class HDCStages(nn.Module):
    def __init__(self, depth, width, schedule):
        super().__init__()
        third, fourth = RATES[depth, schedule]
        block, expansion = ("bottleneck", 4) if depth >= 50 else ("basic", 1)
        self.layer3 = hdc_group(block, 2 * width * expansion, 4 * width, third)
        self.layer4 = hdc_group(block, 4 * width * expansion, 8 * width, fourth)

    def forward(self, x):
        return self.layer4(self.layer3(x))


class DUC(nn.Module):
    def __init__(self, inChannels, numClasses, factor, kernel=3, rate=1):
        super().__init__()
        self.factor = factor
        self.conv = nn.Conv2d(
            inChannels, numClasses * factor**2, kernel, padding=rate * (kernel - 1) // 2, dilation=rate)

    def forward(self, x):
        return F.pixel_shuffle(self.conv(x), self.factor)


def group_case(id, shape, **config):
    return case(id, "hdcGroup", hdc_group, config, x=shape)


def stages_case(depth, schedule, width, channels, size):
    config = {"depth": depth, "schedule": schedule, "width": width}
    return case(f"hdc_stages_{depth}_{schedule}", "hdcStages", HDCStages, config, x=(1, channels, *size))


CASES = [
    group_case("hdc_group_bottleneck_1259", (1, 12, 19, 17), block="bottleneck", inChannels=12, planes=4, rates=[1, 2, 5, 9]),
    group_case("hdc_group_basic_1259", (1, 6, 19, 17), block="basic", inChannels=6, planes=6, rates=[1, 2, 5, 9]),
    group_case("hdc_group_1d", (2, 3, 40), block="basic", inChannels=3, planes=4, rates=[1, 2, 5], stride=2, axes=1),
    group_case("hdc_group_3d", (1, 4, 6, 7, 5), block="bottleneck", inChannels=4, planes=2, rates=[1, 2, 3], axes=3),
    stages_case(101, "rf", 2, 16, (12, 11)),
    stages_case(101, "bigger", 2, 16, (12, 11)),
    stages_case(50, "bigger", 2, 16, (12, 11)),
    stages_case(34, "rf", 3, 6, (12, 11)),
    stages_case(18, "bigger", 3, 6, (12, 11)),
    case("duc_8", "duc", DUC, {"inChannels": 6, "numClasses": 3, "factor": 8}, x=(2, 6, 4, 5)),
    case("duc_4_rate_6", "duc", DUC, {"inChannels": 6, "numClasses": 5, "factor": 4, "rate": 6}, x=(1, 6, 9, 8)),
    case("duc_2_kernel_1", "duc", DUC, {"inChannels": 4, "numClasses": 2, "factor": 2, "kernel": 1}, x=(1, 4, 5, 3)),
]
