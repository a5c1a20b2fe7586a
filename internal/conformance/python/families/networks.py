"""Segmentation networks assembled from a backbone and a head; torchvision's with narrow backbones."""
from torch import nn
from torch.nn import functional as F
from torchvision.models.segmentation import deeplabv3, fcn as fcns

from families._case import case
from families.backbones import PICTURE, mobilenet_v3, resnet


class OneOutput:
    """torchvision's networks give a dict; where there is one entry, blocks give the tensor."""

    def forward(self, x):
        outputs = super().forward(x)
        return outputs if len(outputs) > 1 else outputs["out"]


class DeepLabV3(OneOutput, deeplabv3.DeepLabV3):
    pass


class FCN(OneOutput, fcns.FCN):
    pass


def head(inputs, classes, width, rates):
    """torchvision's DeepLabHead, whose width is 256 and whose rates are 12, 24, 36."""
    return nn.Sequential(
        deeplabv3.ASPP(inputs, rates, width),
        nn.Conv2d(width, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, classes, 1),
    )


def channels(backbone, name):
    """Of a feature map, from the last batch norm of its child."""
    child = {out: inner for inner, out in backbone.return_layers.items()}[name]
    norms = [m for k, m in backbone[child].named_modules() if isinstance(m, nn.BatchNorm2d) and "downsample" not in k]
    return norms[-1].num_features


def torchvision_network(build, head_of):
    def network(backbone, numClasses, aux=False, **options):
        backbone = build(**backbone)
        auxiliary = fcns.FCNHead(channels(backbone, "aux"), numClasses) if aux else None
        cls, classifier = head_of(channels(backbone, "out"), numClasses, **options)
        return cls(backbone, classifier, auxiliary)

    return network


def deeplab_head(inputs, classes, headWidth, rates=(12, 24, 36)):
    return DeepLabV3, head(inputs, classes, headWidth, list(rates))


def fcn_head(inputs, classes):
    return FCN, fcns.FCNHead(inputs, classes)


class DeepLabVGG16(nn.Module):
    """DeepLab on VGG-16 after the network definitions of its authors, with the names of their Caffe layers. Caffe
    rounds the size of pools up; fc8 is stretched with aligned corners."""

    GROUPS = [(2, 1), (2, 2), (3, 4), (3, 8), (3, 8)]

    def __init__(self, width, headChannels, numClasses, head="aspp", rates=None):
        super().__init__()
        self.large_fov = head == "largeFov"
        rates = rates or ([12] if self.large_fov else [6, 12, 18, 24])
        last = 3
        for group, (count, widths) in enumerate(self.GROUPS, 1):
            for i in range(1, count + 1):
                rate = 2 if group == 5 else 1
                self.add_module(f"conv{group}_{i}", nn.Conv2d(last, widths * width, 3, padding=rate, dilation=rate))
                last = widths * width
        self.suffixes = [""] if self.large_fov else [f"_{i}" for i in range(1, len(rates) + 1)]
        for suffix, rate in zip(self.suffixes, rates):
            self.add_module(f"fc6{suffix}", nn.Conv2d(last, headChannels, 3, padding=rate, dilation=rate))
            self.add_module(f"fc7{suffix}", nn.Conv2d(headChannels, headChannels, 1))
            self.add_module(f"fc8{suffix}", nn.Conv2d(headChannels, numClasses, 1))

    def forward(self, x):
        size, layers = x.shape[-2:], dict(self.named_children())
        for group, (count, _) in enumerate(self.GROUPS, 1):
            for i in range(1, count + 1):
                x = layers[f"conv{group}_{i}"](x).relu()
            x = F.max_pool2d(x, 3, stride=2 if group < 4 else 1, padding=1, ceil_mode=True)
        if self.large_fov:
            x = F.avg_pool2d(x, 3, stride=1, padding=1)
        logits = sum(
            layers[f"fc8{s}"](layers[f"fc7{s}"](layers[f"fc6{s}"](x).relu()).relu()) for s in self.suffixes
        )
        return F.interpolate(logits, size=size, mode="bilinear", align_corners=True)


on_resnet = torchvision_network(resnet, deeplab_head)
on_mobilenet = torchvision_network(mobilenet_v3, deeplab_head)
fcn_on_resnet = torchvision_network(resnet, fcn_head)

R50 = {"depth": 50, "width": 4, "replaceStrideWithDilation": [False, True, True],
       "returns": {"out": "layer4", "aux": "layer3"}}
V3 = {"size": "large", "widthMultiplier": 0.25, "dilated": True, "returns": {"out": "16", "aux": "4"}}

CASES = [
    case("deeplab_v3_resnet50", "deepLabV3OnResnet", on_resnet,
         {"backbone": R50, "numClasses": 5, "headWidth": 8, "aux": True}, **PICTURE),
    case("deeplab_v3_resnet50_rates", "deepLabV3OnResnet", on_resnet,
         {"backbone": R50, "numClasses": 3, "headWidth": 8, "rates": [1, 2, 3]}, **PICTURE),
    case("deeplab_v3_mobilenet_v3", "deepLabV3OnMobileNetV3", on_mobilenet,
         {"backbone": V3, "numClasses": 5, "headWidth": 8, "aux": True}, **PICTURE),
    case("fcn_resnet50", "fcnOnResnet", fcn_on_resnet, {"backbone": R50, "numClasses": 5, "aux": True}, **PICTURE),
    case("deeplab_vgg16_large_fov", "deepLabVgg16", DeepLabVGG16,
         {"width": 4, "headChannels": 12, "numClasses": 5, "head": "largeFov"}, **PICTURE),
    case("deeplab_vgg16_aspp", "deepLabVgg16", DeepLabVGG16,
         {"width": 4, "headChannels": 12, "numClasses": 5}, **PICTURE),
    case("deeplab_vgg16_aspp_rates", "deepLabVgg16", DeepLabVGG16,
         {"width": 4, "headChannels": 12, "numClasses": 5, "rates": [2, 4]}, x=(1, 3, 50, 40)),
]
