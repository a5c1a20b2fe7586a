"""The pyramids: DeepLab v2, DeepLab v3 and v3+ in TensorFlow's order, its decoder, WASP, DenseASPP, LR-ASPP."""
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models.segmentation import lraspp

from families._case import case

CONV = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
NORM = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


def mean(x):
    return x.mean(dim=tuple(range(2, x.dim())), keepdim=True)


def stretch(y, x, align_corners=False):
    return F.interpolate(y, size=x.shape[2:], mode=LINEAR[x.dim() - 2], align_corners=align_corners)


class DeepLabV2(nn.Module):
    def __init__(self, inChannels, numClasses, rates=(6, 12, 18, 24), axes=2):
        super().__init__()
        self.conv2d_list = nn.ModuleList(
            CONV[axes](inChannels, numClasses, 3, padding=r, dilation=r) for r in rates)

    def forward(self, x):
        return sum(conv(x) for conv in self.conv2d_list)


class ConvBnRelu(nn.Module):
    def __init__(self, inputs, outputs, kernel, rate=1, groups=1, axes=2, epsilon=1e-5):
        super().__init__()
        self.conv = CONV[axes](inputs, outputs, kernel, padding=rate * (kernel // 2), dilation=rate, groups=groups,
                               bias=False)
        self.bn = NORM[axes](outputs, eps=epsilon)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Separable(nn.Module):
    def __init__(self, inputs, outputs, rate=1, axes=2, epsilon=1e-5):
        super().__init__()
        self.depthwise = ConvBnRelu(inputs, inputs, 3, rate, inputs, axes, epsilon)
        self.pointwise = ConvBnRelu(inputs, outputs, 1, axes=axes, epsilon=epsilon)

    def forward(self, x):
        return self.pointwise(self.depthwise(x))


def atrous(separable, inputs, outputs, rate, axes, epsilon):
    if separable:
        return Separable(inputs, outputs, rate, axes, epsilon)
    return ConvBnRelu(inputs, outputs, 3, rate, axes=axes, epsilon=epsilon)


class DeepLabV3(nn.Module):
    def __init__(self, inChannels, depth, rates=(6, 12, 18), separable=False, epsilon=1e-5, axes=2):
        super().__init__()
        self.image_pooling = ConvBnRelu(inChannels, depth, 1, axes=axes, epsilon=epsilon)
        self.aspp0 = ConvBnRelu(inChannels, depth, 1, axes=axes, epsilon=epsilon)
        for i, rate in enumerate(rates, 1):
            self.add_module(f"aspp{i}", atrous(separable, inChannels, depth, rate, axes, epsilon))
        self.concat_projection = ConvBnRelu(depth * (len(rates) + 2), depth, 1, axes=axes, epsilon=epsilon)
        self.count = len(rates) + 1

    def forward(self, x):
        image = stretch(self.image_pooling(mean(x)), x, True)
        return self.concat_projection(torch.cat([image] + [getattr(self, f"aspp{i}")(x) for i in range(self.count)], 1))


class Decoder(nn.Module):
    def __init__(self, lowChannels, highChannels, lowProjection, depth, numClasses=None, separable=True,
                 alignCorners=True, axes=2):
        super().__init__()
        self.align = alignCorners
        self.feature_projection0 = ConvBnRelu(lowChannels, lowProjection, 1, axes=axes)
        self.decoder_conv0 = atrous(separable, highChannels + lowProjection, depth, 1, axes, 1e-5)
        self.decoder_conv1 = atrous(separable, depth, depth, 1, axes, 1e-5)
        self.logits = CONV[axes](depth, numClasses, 1) if numClasses else None

    def forward(self, low, high):
        x = torch.cat([stretch(high, low, self.align), self.feature_projection0(low)], 1)
        x = self.decoder_conv1(self.decoder_conv0(x))
        return x if self.logits is None else self.logits(x)


class Atrous(nn.Module):
    def __init__(self, inputs, outputs, kernel, rate, axes):
        super().__init__()
        self.atrous_conv = CONV[axes](inputs, outputs, kernel, padding=rate * (kernel // 2), dilation=rate, bias=False)
        self.bn = NORM[axes](outputs)

    def forward(self, x):
        return F.relu(self.bn(self.atrous_conv(x)))


class Mean(nn.Module):
    def forward(self, x):
        return mean(x)


class Waterfall(nn.Module):
    def __init__(self, inChannels, depth, rates=(24, 18, 12, 6), axes=2):
        super().__init__()
        self.count = len(rates)
        for i, rate in enumerate(rates):
            self.add_module(f"aspp{i + 1}", Atrous(depth if i else inChannels, depth, 3 if i else 1, rate, axes))
        self.global_avg_pool = nn.Sequential(
            Mean(), CONV[axes](inChannels, depth, 1, bias=False), NORM[axes](depth), nn.ReLU())
        self.conv1 = CONV[axes](depth * (len(rates) + 1), depth, 1, bias=False)
        self.conv2 = CONV[axes](depth, depth, 1, bias=False)
        self.bn1 = NORM[axes](depth)

    def forward(self, x):
        y, branches = x, []
        for i in range(self.count):
            y = getattr(self, f"aspp{i + 1}")(y)
            branches.append(self.conv2(self.conv2(y)))
        branches.append(stretch(self.global_avg_pool(x), x, True))
        return F.relu(self.bn1(self.conv1(torch.cat(branches, 1))))


class Dense(nn.Module):
    def __init__(self, inChannels, numClasses, midChannels, growth, rates=(3, 6, 12, 18, 24), axes=2):
        super().__init__()
        self.blocks = nn.ModuleList()
        for i, rate in enumerate(rates):
            inputs, layer = inChannels + i * growth, nn.Sequential()
            if i:
                layer.add_module("norm1", NORM[axes](inputs))
            layer.add_module("relu1", nn.ReLU())
            layer.add_module("conv1", CONV[axes](inputs, midChannels, 1))
            layer.add_module("norm2", NORM[axes](midChannels))
            layer.add_module("relu2", nn.ReLU())
            layer.add_module("conv2", CONV[axes](midChannels, growth, 3, padding=rate, dilation=rate))
            self.blocks.append(layer)
        self.classification = CONV[axes](inChannels + len(rates) * growth, numClasses, 1)

    def forward(self, x):
        for layer in self.blocks:
            x = torch.cat([layer(x), x], 1)
        return self.classification(x)


class Lraspp(lraspp.LRASPPHead):
    def __init__(self, lowChannels, highChannels, numClasses, interChannels):
        super().__init__(lowChannels, highChannels, numClasses, interChannels)

    def forward(self, low, high):
        return super().forward({"low": low, "high": high})


V3 = {"inChannels": 5, "depth": 4}
DECODER = {"lowChannels": 3, "highChannels": 4, "lowProjection": 2, "depth": 5}

CASES = [
    case("deeplab_v2_aspp", "deepLabV2Aspp", DeepLabV2, {"inChannels": 6, "numClasses": 4}, x=(1, 6, 27, 30)),
    case("deeplab_v2_aspp_1d", "deepLabV2Aspp", DeepLabV2,
         {"inChannels": 6, "numClasses": 4, "rates": [2, 4, 8, 12], "axes": 1}, x=(2, 6, 40)),
    case("deeplab_v3_aspp", "deepLabV3Aspp", DeepLabV3, V3, x=(2, 5, 21, 24)),
    case("deeplab_v3_aspp_os8", "deepLabV3Aspp", DeepLabV3, {**V3, "rates": [12, 24, 36], "epsilon": 1e-3},
         x=(1, 5, 33, 29)),
    case("deeplab_v3_aspp_separable", "deepLabV3Aspp", DeepLabV3, {**V3, "separable": True}, x=(1, 5, 21, 24)),
    case("deeplab_v3_aspp_3d", "deepLabV3Aspp", DeepLabV3, {**V3, "rates": [1, 2], "axes": 3}, x=(1, 5, 6, 7, 8)),
    case("deeplab_v3_plus_decoder", "deepLabV3PlusDecoder", Decoder, {**DECODER, "numClasses": 4},
         low=(2, 3, 17, 21), high=(2, 4, 5, 6)),
    case("deeplab_v3_plus_decoder_plain", "deepLabV3PlusDecoder", Decoder,
         {**DECODER, "separable": False, "alignCorners": False}, low=(1, 3, 16, 19), high=(1, 4, 4, 5)),
    case("deeplab_v3_plus_decoder_1d", "deepLabV3PlusDecoder", Decoder, {**DECODER, "axes": 1},
         low=(1, 3, 33), high=(1, 4, 9)),
    case("wasp", "wasp", Waterfall, V3, x=(1, 5, 28, 25)),
    case("wasp_3d", "wasp", Waterfall, {**V3, "rates": [4, 2, 1], "axes": 3}, x=(1, 5, 7, 6, 8)),
    case("dense_aspp_1d", "denseAspp", Dense,
         {"inChannels": 4, "numClasses": 3, "midChannels": 6, "growth": 2, "rates": [3, 6, 12], "axes": 1}, x=(2, 4, 50)),
    case("lraspp_head_odd", "lrasppHead", Lraspp,
         {"lowChannels": 4, "highChannels": 6, "numClasses": 3, "interChannels": 5}, low=(1, 4, 13, 15), high=(1, 6, 7, 8)),
]
