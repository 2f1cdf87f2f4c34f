"""Vision transformers with attention in four spellings, and encoders of tokens."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.tracing.families.family import Family
from tests.tracing.families.sequences import IMAGE, VOCABULARY, text

# Dosovitskiy et al., "An image is worth 16×16 words", 2021


class LayerAttention(nn.Module):
    """Self-attention by torch's layer."""

    def __init__(self, width: int, heads: int, drop: float) -> None:
        super().__init__()
        self.layer = nn.MultiheadAttention(width, heads, dropout=drop, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.layer(x, x, x, need_weights=False)
        return out


class WeightedAttention(LayerAttention):
    """The same, asked for weights that nobody reads."""

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x, x, x)[0]


class FusedAttention(nn.Module):
    """Self-attention by torch's function."""

    def __init__(self, width: int, heads: int, drop: float) -> None:
        super().__init__()
        self.heads, self.drop = heads, drop
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        qkv = self.qkv(x).reshape(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)  # (N, heads, length, width / heads)
        x = F.scaled_dot_product_attention(q, k, v, dropout_p=self.drop if self.training else 0.0)
        return self.proj(x.transpose(1, 2).reshape(n, length, width))


class WrittenAttention(FusedAttention):
    """Self-attention by two products and a softmax."""

    def forward(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        qkv = self.qkv(x).reshape(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        weights = (q @ k.transpose(-2, -1)) * (width // self.heads) ** -0.5
        weights = F.dropout(weights.softmax(dim=-1), self.drop, self.training)
        return self.proj((weights @ v).transpose(1, 2).reshape(n, length, width))


class ViTBlock(nn.Module):
    """Layer-norm before attention and perceptron."""

    def __init__(self, width: int, attention: nn.Module, drop: float) -> None:
        super().__init__()
        self.norm1, self.attn, self.norm2 = nn.LayerNorm(width, eps=1e-6), attention, nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(
            *[nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(drop), nn.Linear(2 * width, width), nn.Dropout(drop)]
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    """Two blocks on sixteen patches and a class token."""

    def __init__(self, attention: Callable[[int, int, float], nn.Module], drop: float, *, width: int = 16) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, width, kernel_size=2, stride=2)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 17, width))
        self.pos_drop = nn.Dropout(p=drop)
        self.blocks = nn.ModuleList(ViTBlock(width, attention(width, 4, drop), drop) for _ in range(2))
        self.norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, 5)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        nn.init.trunc_normal_(self.cls_token, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch_embed(x).flatten(2).transpose(1, 2)  # (N, 16, width)
        x = torch.cat((self.cls_token.expand(x.shape[0], -1, -1), x), dim=1)
        x = self.pos_drop(x + self.pos_embed)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


# Vaswani et al., "Attention is all you need", 2017


class Sinusoids(nn.Module):
    """Positions as sines and cosines, kept in a buffer."""

    def __init__(self, width: int, drop: float, length: int = 64) -> None:
        super().__init__()
        self.dropout = nn.Dropout(drop)
        place = torch.arange(length).unsqueeze(1)
        rate = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
        pe = torch.zeros(1, length, width)
        pe[0, :, 0::2], pe[0, :, 1::2] = torch.sin(place * rate), torch.cos(place * rate)
        self.register_buffer("pe", pe)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(x + self.pe[:, : x.size(1)])


class Encoder(nn.Module):
    """Tokens, positions, encoder layers, the mean over the sequence."""

    def __init__(self, layers: nn.Module, width: int, drop: float, vocabulary: int = VOCABULARY) -> None:
        super().__init__()
        self.embedding, self.positions = nn.Embedding(vocabulary, width), Sinusoids(width, drop)
        self.layers, self.head, self.scale = layers, nn.Linear(width, 5), math.sqrt(width)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.positions(self.embedding(tokens) * self.scale)
        return self.head(self.layers(x).mean(dim=1))


def encoder_of_copies(width: int, layers: int, drop: float) -> nn.Module:
    """`nn.TransformerEncoder`, whose layers begin as copies of one."""
    layer = nn.TransformerEncoderLayer(width, 4, 2 * width, drop, batch_first=True)
    return Encoder(nn.TransformerEncoder(layer, layers), width, drop)


def encoder_of_layers(drop: float) -> nn.Module:
    """Two layers, each drawn by itself, layer-norm first."""
    layers = [nn.TransformerEncoderLayer(16, 4, 32, drop, "gelu", batch_first=True, norm_first=True) for _ in range(2)]
    network = Encoder(nn.Sequential(*layers), 16, drop)
    nn.init.uniform_(network.embedding.weight, -0.1, 0.1)
    return network


def transformer_4() -> nn.Module:
    """Four layers of torch's encoder, 128 wide."""
    return encoder_of_copies(128, 4, 0.1)


def vision(attention: Callable[[int, int, float], nn.Module]) -> Family:
    """A vision transformer with this attention."""
    return Family(lambda: ViT(attention, 0.1), IMAGE, still=lambda: ViT(attention, 0.0))


FAMILIES = {
    "ViT, layer": vision(LayerAttention),
    "ViT, layer with weights": vision(WeightedAttention),
    "ViT, function": vision(FusedAttention),
    "ViT, written out": vision(WrittenAttention),
    "transformer encoder": text(lambda drop: encoder_of_copies(16, 2, drop), 0.1),
    "transformer encoder, norm first": text(encoder_of_layers, 0.1),
}
