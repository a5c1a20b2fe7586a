"""Sequences and volumes: WaveNet (van den Oord et al. 2016), TCN (Bai et al. 2018), MeshNet (Fedorov et al. 2017)."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import weight_norm

from families._case import case


class WaveNet(nn.Module):
    def __init__(self, inChannels, residualChannels, skipChannels, outChannels, kernel, rates):
        super().__init__()
        self.kernel, self.rates, r, s = kernel, rates, residualChannels, skipChannels
        many = lambda make: nn.ModuleList(make(d) for d in rates)
        self.input = nn.Conv1d(inChannels, r, 1)
        self.filter = many(lambda d: nn.Conv1d(r, r, kernel, dilation=d))
        self.gate = many(lambda d: nn.Conv1d(r, r, kernel, dilation=d))
        self.res = many(lambda d: nn.Conv1d(r, r, 1))
        self.skip = many(lambda d: nn.Conv1d(r, s, 1))
        self.out1, self.out2 = nn.Conv1d(s, s, 1), nn.Conv1d(s, outChannels, 1)

    def forward(self, x):
        x, total = self.input(x), 0
        for i, d in enumerate(self.rates):
            past = F.pad(x, (d * (self.kernel - 1), 0))
            z = torch.tanh(self.filter[i](past)) * torch.sigmoid(self.gate[i](past))
            total = total + self.skip[i](z)
            x = x + self.res[i](z)
        return self.out2(self.out1(total.relu()).relu())


class TemporalBlock(nn.Module):
    """Padding on both sides and then the end cut off, as the published code does it."""

    def __init__(self, inChannels, outChannels, kernel=2, rate=1, norm=lambda conv: conv):
        super().__init__()
        self.cut = rate * (kernel - 1)
        conv = lambda cin: norm(nn.Conv1d(cin, outChannels, kernel, padding=self.cut, dilation=rate))
        self.conv1, self.conv2 = conv(inChannels), conv(outChannels)
        self.downsample = nn.Conv1d(inChannels, outChannels, 1) if inChannels != outChannels else None

    def forward(self, x):
        y = x
        for conv in (self.conv1, self.conv2):
            y = conv(y)
            y = (y[:, :, : -self.cut] if self.cut else y).relu()
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


class TCN(nn.Module):
    def __init__(self, inChannels, channels, kernel=2, norm=lambda conv: conv):
        super().__init__()
        counts = [inChannels, *channels]
        self.network = nn.Sequential(*[
            TemporalBlock(counts[i], counts[i + 1], kernel, 2**i, norm) for i in range(len(channels))])

    def forward(self, x):
        return self.network(x)


def weight_normed(**config):
    return TCN(norm=weight_norm, **config)


class MeshNet(nn.Module):
    def __init__(self, channels, numClasses, inChannels=1, rates=(1, 2, 4, 8, 16, 8, 4, 2, 1), axes=3):
        super().__init__()
        conv = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[axes]
        norm = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}[axes]
        self.layers = nn.ModuleList(
            nn.Sequential(conv(channels if i else inChannels, channels, 3, padding=d, dilation=d), norm(channels), nn.ReLU())
            for i, d in enumerate(rates))
        self.classifier = conv(channels, numClasses, 1)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.classifier(x)


CASES = [
    case("wavenet_kernel_3", "wavenet", WaveNet,
         {"inChannels": 2, "residualChannels": 6, "skipChannels": 5, "outChannels": 4, "kernel": 3, "rates": [1, 2, 4, 1, 2, 4]},
         x=(2, 2, 50)),
    case("wavenet_shorter_than_field", "wavenet", WaveNet,
         {"inChannels": 1, "residualChannels": 4, "skipChannels": 4, "outChannels": 3, "kernel": 2, "rates": [2**i for i in range(10)]},
         x=(1, 1, 37)),
    case("tcn_block", "tcnBlock", TemporalBlock, {"inChannels": 3, "outChannels": 5, "kernel": 3, "rate": 4}, x=(2, 3, 25)),
    case("tcn_block_same_channels", "tcnBlock", TemporalBlock, {"inChannels": 4, "outChannels": 4, "rate": 2}, x=(1, 4, 20)),
    case("tcn", "tcn", TCN, {"inChannels": 2, "channels": [6, 6, 5, 4], "kernel": 3}, x=(2, 2, 40)),
    case("tcn_weight_norm", "tcnWeightNorm", weight_normed, {"inChannels": 2, "channels": [6, 6, 4], "kernel": 5}, x=(1, 2, 40)),
    case("meshnet_16", "meshnet", MeshNet, {"channels": 4, "numClasses": 3}, x=(1, 1, 9, 10, 8)),
    case("meshnet_1d", "meshnet", MeshNet, {"channels": 4, "numClasses": 2, "inChannels": 2, "axes": 1}, x=(2, 2, 60)),
    case("meshnet_2d", "meshnet", MeshNet,
         {"channels": 4, "numClasses": 2, "rates": [1, 2, 4, 8, 4, 2, 1], "axes": 2}, x=(1, 1, 20, 19)),
]
