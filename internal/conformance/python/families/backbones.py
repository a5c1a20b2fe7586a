"""Backbones at every output stride: torchvision's own where it has them, changed by hand where it has not."""
from torch import nn
from torchvision.models import mobilenetv2, mobilenetv3, resnet as resnets
from torchvision.models._utils import IntermediateLayerGetter

from families._case import case


class NarrowResNet(resnets.ResNet):
    """torchvision's ResNet with `width` channels after the first convolution instead of 64."""

    def __init__(self, block, layers, width, num_classes=1000, **options):
        self.width = width
        super().__init__(block, layers, num_classes=num_classes, **options)
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.fc = nn.Linear(8 * width * block.expansion, num_classes)

    def _make_layer(self, block, planes, blocks, stride=1, dilate=False):
        if planes == 64:
            self.inplanes = self.width
        return super()._make_layer(block, planes * self.width // 64, blocks, stride, dilate)


def dilate(model, output_stride):
    """Replaces strides by rates in place (DeepLab v3, section 3.1): where the output stride is reached, a convolution
    loses its stride and keeps the rate that it has; all that follow have a rate larger by that stride."""
    stride = rate = 1
    shortcut_keeps_stride = True
    for name, layer in model.named_modules():
        if not isinstance(layer, (nn.Conv2d, nn.MaxPool2d)):
            continue
        if "downsample" in name:
            # beside the convolution with the stride, which was counted
            if not shortcut_keeps_stride:
                layer.stride = 1 if isinstance(layer, nn.MaxPool2d) else (1, 1)
            continue
        own = layer.stride if isinstance(layer, nn.MaxPool2d) else layer.stride[0]
        if isinstance(layer, nn.Conv2d):
            layer.dilation = (rate, rate)
            layer.padding = tuple(rate * (k - 1) // 2 for k in layer.kernel_size)
        if own > 1:
            shortcut_keeps_stride = stride < output_stride
            if shortcut_keeps_stride:
                stride *= own
            else:
                layer.stride = (1, 1)
                rate *= own
    return model


def stride_in_last(model):
    """TF-slim's residual networks: the stride is in the last block of a layer, and its shortcut takes every second
    sample."""
    for layer in (model.layer2, model.layer3, model.layer4):
        layer[0].conv2.stride = layer[0].downsample[0].stride = (1, 1)
    for layer in (model.layer1, model.layer2, model.layer3):
        layer[-1].conv2.stride = (2, 2)
        layer[-1].downsample = nn.MaxPool2d(1, 2)
    return model


LAYOUTS = {
    18: (resnets.BasicBlock, [2, 2, 2, 2]),
    34: (resnets.BasicBlock, [3, 4, 6, 3]),
    50: (resnets.Bottleneck, [3, 4, 6, 3]),
    101: (resnets.Bottleneck, [3, 4, 23, 3]),
}


def maps(model, returns):
    return IntermediateLayerGetter(model, {child: name for name, child in returns.items()})


def resnet(depth, width, numClasses=None, returns=None, replaceStrideWithDilation=None, outputStride=None,
           strideIn="first", multiGrid=None):
    model = NarrowResNet(*LAYOUTS[depth], width, num_classes=numClasses or 1,
                         replace_stride_with_dilation=replaceStrideWithDilation)
    if strideIn == "last":
        stride_in_last(model)
    if outputStride is not None:
        dilate(model, outputStride)
    if multiGrid is not None:
        rate = model.layer4[-1].conv2.dilation[0]
        for block, factor in zip(model.layer4, multiGrid):
            block.conv2.dilation = block.conv2.padding = (factor * rate, factor * rate)
    return maps(model, returns or {"out": "layer4"}) if numClasses is None else model


def mobilenet_v2(widthMultiplier, numClasses=None, returns=None, outputStride=32):
    model = mobilenetv2.MobileNetV2(num_classes=numClasses or 1, width_mult=widthMultiplier)
    dilate(model, outputStride)
    return maps(model.features, returns) if numClasses is None else model


def mobilenet_v3(size, widthMultiplier, numClasses=None, returns=None, outputStride=None, dilated=False,
                 reducedTail=False):
    build = {"large": mobilenetv3.mobilenet_v3_large, "small": mobilenetv3.mobilenet_v3_small}[size]
    model = build(num_classes=numClasses or 1, width_mult=widthMultiplier, dilated=dilated, reduced_tail=reducedTail)
    if outputStride is not None:
        dilate(model, outputStride)
    return maps(model.features, returns) if numClasses is None else model


# one size and few widths: backends that compile a kernel per geometry compile few
PICTURE = {"x": (1, 3, 49, 40)}
ALL = {"out": "layer4", "aux": "layer3", "low": "layer1"}
R50 = {"depth": 50, "width": 4, "returns": ALL}
V2 = {"widthMultiplier": 0.25, "returns": {"out": "17", "low": "3"}}
LARGE = {"size": "large", "widthMultiplier": 0.25, "returns": {"high": "16", "low": "4"}}
SMALL = {"size": "small", "widthMultiplier": 0.5}

CASES = [
    case("resnet18_logits", "resnet", resnet, {"depth": 18, "width": 4, "numClasses": 5}, x=(2, 3, 33, 40)),
    case("resnet34_stride8", "resnet", resnet, {"depth": 34, "width": 4, "outputStride": 8}, **PICTURE),
    case("resnet50_logits", "resnet", resnet, {"depth": 50, "width": 4, "numClasses": 5}, **PICTURE),
    case("resnet50_stride32", "resnet", resnet, R50, **PICTURE),
    case("resnet50_stride16", "resnet", resnet,
         {**R50, "replaceStrideWithDilation": [False, False, True]}, **PICTURE),
    case("resnet50_stride8", "resnet", resnet,
         {**R50, "replaceStrideWithDilation": [False, True, True]}, **PICTURE),
    case("resnet50_middle_stride", "resnet", resnet,
         {**R50, "replaceStrideWithDilation": [True, False, True]}, **PICTURE),
    case("resnet101_stride8", "resnet", resnet,
         {"depth": 101, "width": 4, "replaceStrideWithDilation": [False, True, True]}, **PICTURE),
    case("resnet50_multi_grid", "resnet", resnet, {**R50, "outputStride": 16, "multiGrid": [1, 2, 4]}, **PICTURE),
    case("resnet50_slim", "resnet", resnet, {**R50, "strideIn": "last"}, **PICTURE),
    case("resnet50_slim_stride8", "resnet", resnet, {**R50, "strideIn": "last", "outputStride": 8}, **PICTURE),
    case("mobilenet_v2_logits", "mobileNetV2", mobilenet_v2, {"widthMultiplier": 0.25, "numClasses": 5}, **PICTURE),
    case("mobilenet_v2_stride32", "mobileNetV2", mobilenet_v2, V2, **PICTURE),
    case("mobilenet_v2_stride16", "mobileNetV2", mobilenet_v2, {**V2, "outputStride": 16}, **PICTURE),
    case("mobilenet_v2_stride8", "mobileNetV2", mobilenet_v2, {**V2, "outputStride": 8}, **PICTURE),
    case("mobilenet_v3_large_logits", "mobileNetV3", mobilenet_v3,
         {"size": "large", "widthMultiplier": 0.25, "numClasses": 5}, **PICTURE),
    case("mobilenet_v3_large_dilated", "mobileNetV3", mobilenet_v3, {**LARGE, "dilated": True}, **PICTURE),
    case("mobilenet_v3_large_stride16", "mobileNetV3", mobilenet_v3, {**LARGE, "outputStride": 16}, **PICTURE),
    case("mobilenet_v3_large_stride8", "mobileNetV3", mobilenet_v3, {**LARGE, "outputStride": 8}, **PICTURE),
    case("mobilenet_v3_small_logits", "mobileNetV3", mobilenet_v3, {**SMALL, "numClasses": 5}, **PICTURE),
    case("mobilenet_v3_small_reduced", "mobileNetV3", mobilenet_v3,
         {**SMALL, "dilated": True, "reducedTail": True, "returns": {"out": "12", "low": "2"}}, **PICTURE),
]
