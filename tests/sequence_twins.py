"""The networks over sequences of `specs/` as one writes them by hand in PyTorch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Gated(nn.Module):
    def __init__(self, width: int, skips: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.dilated = nn.Conv1d(width, 2 * width, 2, dilation=dilation)
        self.project = nn.Conv1d(width, width, 1)
        self.skip = nn.Conv1d(width, skips, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        padded = F.pad(x, (self.dilation, 0))
        filter, gate = self.dilated(padded).chunk(2, dim=1)
        z = torch.tanh(filter) * torch.sigmoid(gate)
        return x + self.project(z), self.skip(z)


class WaveNet(nn.Module):
    def __init__(self, levels: int = 256, width: int = 32, skips: int = 64, layers: int = 10) -> None:
        super().__init__()
        self.embed = nn.Embedding(levels, width)
        self.stack = nn.ModuleList(Gated(width, skips, 2**i) for i in range(layers))
        self.head = nn.Sequential(
            nn.ReLU(),
            nn.Conv1d(skips, skips, 1),
            nn.ReLU(),
            nn.Conv1d(skips, levels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        h = self.embed(x).transpose(1, 2)
        total = torch.zeros((), device=x.device)
        for layer in self.stack:
            h, skip = layer(h)
            total = total + skip
        logits: Tensor = self.head(total)
        return logits

    def loss(self, x: Tensor, next: Tensor) -> Tensor:
        return F.cross_entropy(self(x), next)


class Tagger(nn.Module):
    def __init__(self, words: int = 10000, tags: int = 17, embed: int = 100, width: int = 128, dropout: float = 0.5) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, embed)
        self.right = nn.LSTM(embed, width, batch_first=True)
        self.left = nn.LSTM(embed, width, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(2 * width, tags)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        h = self.dropout(self.embed(tokens))
        lengths = mask.sum(dim=1, keepdim=True)
        places = torch.arange(tokens.shape[1], device=tokens.device)
        turn = (lengths - 1 - places).clamp(min=0).unsqueeze(-1)
        right, _ = self.right(h)
        left, _ = self.left(h.take_along_dim(turn, dim=1))
        left = left.take_along_dim(turn, dim=1)
        h = self.dropout(torch.cat([right, left], dim=-1))
        logits: Tensor = self.output(h)
        return logits

    def loss(self, tokens: Tensor, mask: Tensor, labels: Tensor) -> Tensor:
        logits = self(tokens, mask)
        labels = labels.masked_fill(~mask, -100)
        return F.cross_entropy(logits.transpose(1, 2), labels)

    def accuracy(self, tokens: Tensor, mask: Tensor, labels: Tensor) -> Tensor:
        right = self(tokens, mask).argmax(dim=-1) == labels
        return torch.sum(right & mask) / mask.sum()


class Seq2Seq(nn.Module):
    def __init__(
        self,
        source_words: int = 8000,
        target_words: int = 8000,
        embed: int = 128,
        width: int = 256,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.source_embed = nn.Embedding(source_words, embed)
        self.encoder = nn.GRU(embed, width, batch_first=True)
        self.target_embed = nn.Embedding(target_words, embed, padding_idx=0)
        self.decoder = nn.GRU(embed, width, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.score = nn.Linear(width, width, bias=False)
        self.combine = nn.Linear(2 * width, width, bias=False)
        self.output = nn.Linear(width, target_words)

    def forward(self, source: Tensor, mask: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:
        states, _ = self.encoder(self.dropout(self.source_embed(source)))
        last = (mask.sum(dim=1) - 1).clamp(min=0)
        begin = states[torch.arange(len(source), device=source.device), last].unsqueeze(0)
        words = self.dropout(self.target_embed(previous))
        h, _ = self.decoder(words, begin)
        scores = self.score(h) @ states.transpose(1, 2)
        scores = scores.masked_fill(~mask.unsqueeze(1), -1e9)
        weights = torch.softmax(scores, dim=-1)
        context = weights @ states
        h = torch.tanh(self.combine(torch.cat([context, h], dim=-1)))
        return self.output(h), weights

    def loss(self, source: Tensor, mask: Tensor, previous: Tensor, next: Tensor) -> Tensor:
        logits, _ = self(source, mask, previous)
        return F.cross_entropy(logits.transpose(1, 2), next, ignore_index=0)
