"""Context modules and repairs of the grid: Yu & Koltun 2016, Yu et al. 2017, Wang & Ji 2018, Mehta et al. 2018."""
import torch
import torch.nn.functional as F
from torch import nn

from families._case import case

CONV = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
NORM = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


class ContextModule(nn.Module):
    def __init__(self, channels, rates=(1, 1, 2, 4, 8, 16, 1), widths="basic", axes=2):
        super().__init__()
        multiples = {"basic": [1] * len(rates), "large": [2, 2, 4, 8, 16, 32, 32]}[widths]
        counts = [channels] + [channels * multiple for multiple in multiples]
        self.convs = nn.ModuleList(
            CONV[axes](counts[i], counts[i + 1], 3, padding=d, dilation=d) for i, d in enumerate(rates))
        self.final = CONV[axes](counts[-1], channels, 1)

    def forward(self, x):
        for conv in self.convs:
            x = conv(x).relu()
        return self.final(x)


class Unshortened(nn.Module):
    """A basic block of DRN-C with residual=False."""

    def __init__(self, cin, channels, d):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, channels, 3, padding=d, dilation=d, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=d, dilation=d, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        return self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())).relu()


class DRNTail(nn.Module):
    def __init__(self, inChannels, channels, kind, rates=(2, 1), depth=1):
        super().__init__()

        def level(cin, d):
            layers = []
            for i in range(depth):
                source = cin if i == 0 else channels
                if kind == "C":
                    layers.append(Unshortened(source, channels, d))
                else:
                    layers += [nn.Conv2d(source, channels, 3, padding=d, dilation=d, bias=False),
                               nn.BatchNorm2d(channels), nn.ReLU()]
            return nn.Sequential(*layers)

        self.layer7 = level(inChannels, rates[0])
        self.layer8 = level(channels, rates[1])

    def forward(self, x):
        return self.layer8(self.layer7(x))


class Shared(nn.Module):
    """Separable and shared convolution, by a depthwise convolution whose kernels are copies of one."""

    def __init__(self, kernel, axes):
        super().__init__()
        self.axes = axes
        self.weight = nn.Parameter(torch.zeros(1, 1, *[kernel] * axes))

    def forward(self, x):
        c, k = x.shape[1], self.weight.shape[-1]
        conv = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[self.axes]
        return conv(x, self.weight.expand(c, 1, *self.weight.shape[2:]), padding=(k - 1) // 2, groups=c)


class SmoothedShared(nn.Module):
    def __init__(self, inChannels, outChannels, rate, kernel=3, axes=2, bias=True):
        super().__init__()
        self.pre_conv = Shared(2 * rate - 1, axes)
        self.conv = CONV[axes](
            inChannels, outChannels, kernel, padding=rate * (kernel - 1) // 2, dilation=rate, bias=bias)

    def forward(self, x):
        return self.conv(self.pre_conv(x))


class SmoothedGroups(nn.Module):
    """As the paper decomposes it: groups by subsampling, a dense convolution on each, a mixture of the groups."""

    def __init__(self, inChannels, outChannels, rate):
        super().__init__()
        self.rate = rate
        self.conv = nn.Conv2d(inChannels, outChannels, 3, padding=rate, dilation=rate)
        self.interaction = nn.Parameter(torch.zeros(rate**2, rate**2))

    def forward(self, x):
        r, (h, w) = self.rate, x.shape[2:]
        x = F.pad(x, (0, -w % r, 0, -h % r))
        groups = [x[:, :, i::r, j::r] for i in range(r) for j in range(r)]
        results = [F.conv2d(g, self.conv.weight, self.conv.bias, padding=1) for g in groups]
        out = torch.zeros(x.shape[0], results[0].shape[1], *x.shape[2:], dtype=x.dtype)
        for k in range(r * r):
            out[:, :, k // r::r, k % r::r] = sum(self.interaction[k, m] * y for m, y in enumerate(results))
        return out[:, :, :h, :w]


def smoothed(method, **config):
    return {"shared": SmoothedShared, "groups": SmoothedGroups}[method](**config)


class ESP(nn.Module):
    def __init__(self, inChannels, branches, outChannels=None, stride=1, residual=None, activation="prelu", axes=2):
        super().__init__()
        out = outChannels or inChannels
        self.residual = (out == inChannels and stride == 1) if residual is None else residual
        n = out // branches
        conv = lambda a, b, k, **options: CONV[axes](a, b, k, bias=False, **options)
        self.reduce = conv(inChannels, n, 1) if stride == 1 else conv(inChannels, n, 3, stride=stride, padding=1)
        self.branches = nn.ModuleList(
            conv(n, n if k else out - (branches - 1) * n, 3, padding=2**k, dilation=2**k) for k in range(branches))
        self.bn = NORM[axes](out)
        self.act = nn.PReLU(out) if activation == "prelu" else nn.ReLU()

    def forward(self, x):
        first, *rest = [branch(self.reduce(x)) for branch in self.branches]
        sums = [sum(rest[: k + 1]) for k in range(len(rest))]
        y = torch.cat([first, *sums], 1)
        return self.act(self.bn(x + y if self.residual else y))


def esp(id, shape, **config):
    return case(id, "espModule", ESP, config, x=shape)


def context(id, shape, **config):
    return case(id, "contextModule", ContextModule, config, x=shape)


def smooth(id, shape, **config):
    return case(id, "smoothedDilation", smoothed, config, x=shape)


CASES = [
    context("context_large", (1, 2, 13, 11), channels=2, widths="large"),
    context("context_1d", (2, 3, 40), channels=3, axes=1),
    context("context_3d", (1, 2, 6, 7, 5), channels=2, rates=[1, 2, 4, 1], axes=3),
    case("drn_tail_c", "drnTail", DRNTail, {"inChannels": 8, "channels": 8, "kind": "C"}, x=(1, 8, 11, 9)),
    case("drn_tail_c_deep", "drnTail", DRNTail,
         {"inChannels": 4, "channels": 6, "kind": "C", "rates": [4, 2], "depth": 2}, x=(1, 4, 11, 9)),
    case("drn_tail_d", "drnTail", DRNTail, {"inChannels": 8, "channels": 8, "kind": "D"}, x=(2, 8, 11, 9)),
    case("drn_tail_d_deep", "drnTail", DRNTail,
         {"inChannels": 4, "channels": 6, "kind": "D", "depth": 2}, x=(1, 4, 11, 9)),
    case("shared_convolution", "sharedConvolution", Shared, {"kernel": 5, "axes": 2}, x=(2, 3, 8, 9)),
    smooth("smoothed_shared_4", (2, 5, 17, 15), inChannels=5, outChannels=4, rate=4, method="shared"),
    smooth("smoothed_shared_1d", (1, 3, 30), inChannels=3, outChannels=4, rate=3, method="shared", axes=1, bias=False),
    smooth("smoothed_shared_3d", (1, 2, 7, 6, 8), inChannels=2, outChannels=3, rate=2, method="shared", axes=3),
    smooth("smoothed_groups_2", (2, 5, 8, 10), inChannels=5, outChannels=4, rate=2, method="groups"),
    smooth("smoothed_groups_3_odd", (1, 4, 11, 10), inChannels=4, outChannels=3, rate=3, method="groups"),
    esp("esp_five", (1, 16, 20, 18), inChannels=16, branches=5),
    esp("esp_down", (1, 6, 15, 14), inChannels=6, outChannels=17, branches=5, stride=2),
    esp("esp_wider", (1, 6, 12, 10), inChannels=6, outChannels=9, branches=3, activation="relu"),
    esp("esp_without_shortcut", (1, 8, 12, 10), inChannels=8, branches=4, residual=False),
    esp("esp_1d", (2, 8, 40), inChannels=8, branches=4, axes=1),
    esp("esp_3d", (1, 7, 6, 5, 7), inChannels=7, branches=3, axes=3),
]
