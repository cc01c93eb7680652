"""The networks of `specs/` as one writes them by hand in PyTorch: what netc's modules are held against."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.sequence_twins import Gated, Seq2Seq, Tagger, WaveNet


class LeNet5(nn.Module):
    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5)
        self.c3 = nn.Conv2d(6, 16, 5)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, classes)

    def forward(self, x: Tensor) -> Tensor:
        h = F.avg_pool2d(torch.tanh(self.c1(x)), 2)
        h = F.avg_pool2d(torch.tanh(self.c3(h)), 2)
        h = torch.tanh(self.c5(h)).flatten(1)
        h = torch.tanh(self.f6(h))
        logits: Tensor = self.output(h)
        return logits

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(self(x), y)


class Autoencoder(nn.Module):
    def __init__(self, code: int = 30) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(784, 1000),
            nn.Sigmoid(),
            nn.Linear(1000, 500),
            nn.Sigmoid(),
            nn.Linear(500, 250),
            nn.Sigmoid(),
            nn.Linear(250, code),
        )
        self.decoder = nn.Sequential(
            nn.Linear(code, 250),
            nn.Sigmoid(),
            nn.Linear(250, 500),
            nn.Sigmoid(),
            nn.Linear(500, 1000),
            nn.Sigmoid(),
            nn.Linear(1000, 784),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z = self.encoder(x)
        x_hat = self.decoder(z)
        return x_hat, z

    def loss(self, x: Tensor) -> Tensor:
        x_hat, _ = self(x)
        return F.binary_cross_entropy(x_hat, x)


class VAE(nn.Module):
    def __init__(self, hidden: int = 400, code: int = 20) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(784, hidden),
            nn.ReLU(),
            nn.Linear(hidden, 2 * code),
        )
        self.decoder = nn.Sequential(
            nn.Linear(code, hidden),
            nn.ReLU(),
            nn.Linear(hidden, 784),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.decoder(z), mu, logvar

    def losses(self, x: Tensor) -> dict[str, Tensor]:
        x_hat, mu, logvar = self(x)
        reconstruction = F.binary_cross_entropy(x_hat, x, reduction="sum") / len(x)
        kl = 0.5 * torch.sum(mu**2 + logvar.exp() - 1 - logvar) / len(x)
        return {"reconstruction": reconstruction, "kl": kl}

    def loss(self, x: Tensor) -> Tensor:
        losses = self.losses(x)
        return losses["reconstruction"] + losses["kl"]


class Siamese(nn.Module):
    def __init__(self, size: int = 2, margin: float = 1.0) -> None:
        super().__init__()
        self.margin = margin
        self.tower = nn.Sequential(
            nn.Conv2d(1, 15, 6),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(15, 30, 9),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(30 * 3 * 3, size),
        )

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        d: Tensor = torch.linalg.vector_norm(self.tower(left) - self.tower(right), dim=1)
        return d

    def loss(self, left: Tensor, right: Tensor, same: Tensor) -> Tensor:
        d = self(left, right)
        near = same * d**2
        far = (1 - same) * F.relu(self.margin - d) ** 2
        return torch.mean(near + far) / 2


class Tower(nn.Sequential):
    def __init__(self, features: int, size: int) -> None:
        super().__init__(
            nn.Linear(features, 128),
            nn.ReLU(),
            nn.Linear(128, 64),
            nn.ReLU(),
            nn.Linear(64, size),
        )


class TwoTower(nn.Module):
    def __init__(self, users: int = 5000, items: int = 2000, size: int = 32, temperature: float = 0.05) -> None:
        super().__init__()
        self.temperature = temperature
        self.user_embed = nn.Embedding(users, size)
        self.item_embed = nn.Embedding(items, size)
        self.user_tower = Tower(2 * size, size)
        self.item_tower = Tower(size + 20, size)

    def forward(self, user: Tensor, seen: Tensor, item: Tensor, about_item: Tensor) -> Tensor:
        history = self.item_embed(seen).mean(dim=1)
        u = self.user_tower(torch.cat([self.user_embed(user), history], dim=1))
        v = self.item_tower(torch.cat([self.item_embed(item), about_item], dim=1))
        u = u / u.norm(dim=-1, keepdim=True)
        v = v / v.norm(dim=-1, keepdim=True)
        scores: Tensor = u @ v.T / self.temperature
        return scores

    def loss(self, user: Tensor, seen: Tensor, item: Tensor, about_item: Tensor) -> Tensor:
        scores = self(user, seen, item, about_item)
        right = torch.arange(len(scores), device=scores.device)
        return F.cross_entropy(scores, right)


class Feed(nn.Module):
    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(size, hidden)
        self.fc2 = nn.Linear(hidden, size)

    def forward(self, x: Tensor) -> Tensor:
        h = F.gelu(self.fc1(x))
        y: Tensor = self.fc2(h)
        return y


class Mixer(nn.Module):
    def __init__(self, patches: int, width: int, tokens: int, channels: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.token_mix = Feed(patches, tokens)
        self.norm2 = nn.LayerNorm(width)
        self.channel_mix = Feed(width, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.token_mix(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        x = x + self.channel_mix(self.norm2(x))
        return x


class MLPMixer(nn.Module):
    def __init__(
        self, classes: int = 1000, patch: int = 16, width: int = 512, depth: int = 8, tokens: int = 256, channels: int = 2048
    ) -> None:
        super().__init__()
        patches = (224 // patch) ** 2
        self.stem = nn.Conv2d(3, width, patch, patch)
        self.blocks = nn.Sequential(*(Mixer(patches, width, tokens, channels) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(x).flatten(2).transpose(1, 2)
        h = self.norm(self.blocks(h)).mean(dim=1)
        logits: Tensor = self.head(h)
        return logits

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(self(x), y)


class Excite(nn.Module):
    def __init__(self, width: int, reduction: int) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(width, width // reduction, 1)
        self.conv2d_2 = nn.Conv2d(width // reduction, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        squeezed = F.adaptive_avg_pool2d(x, 1)
        hidden = F.relu(self.conv2d(squeezed))
        return x * torch.sigmoid(self.conv2d_2(hidden))


class Basic(nn.Module):
    def __init__(self, channels: int, width: int, stride: int, reduction: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.se = Excite(width, reduction)
        self.downsample: nn.Module | None = None
        if channels != width:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, width, 1, stride, bias=False),
                nn.BatchNorm2d(width),
            )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.se(self.bn2(self.conv2(y)))
        skip = x if self.downsample is None else self.downsample(x)
        return F.relu(y + skip)


class SEResNet(nn.Module):
    def __init__(self, classes: int = 10, depth: int = 3, reduction: int = 4) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
        )
        blocks: list[nn.Module] = []
        channels = 16
        for width in (16, 32, 64):
            for i in range(depth):
                stride = 2 if i == 0 and width != 16 else 1
                blocks.append(Basic(channels, width, stride, reduction))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        h = self.blocks(self.stem(x))
        logits: Tensor = self.fc(h.mean(dim=[2, 3]))
        return logits

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(self(x), y)


class Highway(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate = nn.Conv2d(width, width, 3, padding=1)
        self.plain = nn.Conv2d(width, width, 3, padding=1)
        nn.init.constant_(self.gate.bias, -2.0)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.gate(x))
        return gate * F.relu(self.plain(x)) + (1 - gate) * x


class HighwayNetwork(nn.Module):
    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1),
            nn.ReLU(),
            Highway(16),
            Highway(16),
            Highway(16),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            Highway(32),
            Highway(32),
            Highway(32),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.ReLU(),
            Highway(64),
            Highway(64),
            Highway(64),
            nn.MaxPool2d(2),
        )
        self.output = nn.Linear(64 * 4 * 4, classes)

    def forward(self, x: Tensor) -> Tensor:
        h = self.features(x).flatten(1)
        logits: Tensor = self.output(h)
        return logits

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(self(x), y)


class Double(nn.Sequential):
    def __init__(self, channels: int, width: int) -> None:
        super().__init__(
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )


class Level(nn.Module):
    def __init__(self, channels: int, width: int, deepest: int) -> None:
        super().__init__()
        self.down = Double(channels, width)
        self.below: nn.Module | None = None
        if width != deepest:
            self.below = Level(width, 2 * width, deepest)
            self.up = nn.ConvTranspose2d(2 * width, width, 2, 2)
            self.merge = Double(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.down(x)
        if self.below is None:
            return h
        deep = self.up(self.below(F.max_pool2d(h, 2)))
        merged: Tensor = self.merge(torch.cat([h, deep], dim=1))
        return merged


class UNet(nn.Module):
    def __init__(self, classes: int = 2, width: int = 64, deepest: int = 1024) -> None:
        super().__init__()
        self.top = Level(1, width, deepest)
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.top(x))
        return logits

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(self(x), y)


# spec: the classes that its twin is written in, the network last
TWINS: dict[str, tuple[type[nn.Module], ...]] = {
    "lenet5": (LeNet5,),
    "autoencoder": (Autoencoder,),
    "vae": (VAE,),
    "siamese": (Siamese,),
    "two_tower": (Tower, TwoTower),
    "wavenet": (Gated, WaveNet),
    "mlp_mixer": (Feed, Mixer, MLPMixer),
    "se_resnet": (Excite, Basic, SEResNet),
    "highway": (Highway, HighwayNetwork),
    "lstm_tagger": (Tagger,),
    "seq2seq_attention": (Seq2Seq,),
    "unet": (Double, Level, UNet),
}
