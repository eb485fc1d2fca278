"""The network that inpaint-edge runs, for PyTorch: a partial-convolution U-Net (Liu et al. 2018, arXiv 1804.07723).

    net = PConvUNet()                                                # the paper's, to train from scratch
    net = PConvUNet.from_state_dict(torch.load("model.pth"))         # written by inpaint-convert --to-pytorch
    fill = net(image, known)                                         # [N,3,H,W] RGB in 0..1, [N,1,H,W] 1 = known, 0 = hole
    torch.save(net.state_dict(), "model.pth")                        # read by inpaint-convert

Nothing but torch is needed. Under torchrun wrap it in DistributedDataParallel as any module; a "module." in front of the
names is no obstacle. A network read from inpaint-edge has its batch norm folded: it trains on without batch norm.
"""
import torch
import torch.nn.functional as F
from torch import nn


class PartialConv2d(nn.Module):
    """Partial convolution of maps that each have one mask plane: times K/s, K the numbers in a window, s the known ones.
    A prior beside the image, with a mask of its own, counts in s, but does not make a result known."""

    def __init__(self, c_in, c_out, kernel, stride, batch_norm):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(c_out, c_in, kernel, kernel))
        nn.init.kaiming_normal_(self.weight)
        self.bias = None if batch_norm else nn.Parameter(torch.zeros(c_out))
        self.bn = nn.BatchNorm2d(c_out) if batch_norm else None
        self.stride = stride

    def forward(self, *operands, prior=None):
        """`operands` are pairs of a map [N,C,H,W] and its mask [N,1,H,W], and so are `prior` and the result."""
        kernel, stride = self.weight.shape[-1], self.stride
        with torch.no_grad():
            ones = self.weight.new_ones(1, 1, kernel, kernel)
            count = lambda pairs: sum(x.shape[1] * F.conv2d(m, ones, None, stride, kernel // 2) for x, m in pairs)
            known = count(operands)
            mask = (known > 0).to(known.dtype)
            if prior is not None:
                operands = (*operands, prior)
                known = count(operands)
            ratio = self.weight[0].numel() / known.clamp(min=1) * mask
        x = torch.cat([x * m for x, m in operands], 1)
        y = F.conv2d(x, self.weight, None, stride, kernel // 2) * ratio
        if self.bias is not None:
            y = (y + self.bias.view(1, -1, 1, 1)) * mask
        if self.bn is not None:
            y = self.bn(y)
        return y, mask


class PConvUNet(nn.Module):
    """`encoder` lists (channels, kernel) from full size inwards. With `harmonic` the network adds to the solution of
    Laplace's equation inside the hole, which `forward` then takes as `prior`; with `prior_input` enc1 and dec1 read it too,
    beside the image. `head` adds a 1x1 convolution behind dec1 and a leaky ReLU; `output` is the function behind the last layer: 0 none, 1 tanh, 2 sigmoid."""

    def __init__(self, encoder=((64, 7), (128, 5), (256, 5), (512, 3), (512, 3), (512, 3), (512, 3)), decoder=None,
                 batch_norm=True, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), slope=0.2, harmonic=False,
                 prior_input=False, head=False, output=0):
        super().__init__()
        skips = [6 if prior_input else 3] + [channels for channels, _ in encoder]
        decoder = tuple(decoder or [3] + skips[1:-1])
        self.prior_input = prior_input
        self.levels = len(encoder)
        for i, (channels, kernel) in enumerate(encoder):
            setattr(self, f"enc{i + 1}", PartialConv2d(skips[i], channels, kernel, 2, batch_norm and i > 0))
        for i, channels in enumerate(decoder):
            up = skips[-1] if i + 1 == self.levels else decoder[i + 1]
            setattr(self, f"dec{i + 1}", PartialConv2d(up + skips[i], channels, 3, 1, batch_norm and i > 0))
        self.head = nn.Conv2d(3, 3, 1) if head else None
        self.register_buffer("input_mean", torch.tensor(mean))
        self.register_buffer("input_std", torch.tensor(std))
        self.register_buffer("decoder_slope", torch.tensor(float(slope)))
        self.register_buffer("harmonic_prior", torch.tensor(float(harmonic)))
        self.register_buffer("output_function", torch.tensor(float(output)))

    @classmethod
    def from_state_dict(cls, state):
        """A network of the widths, and with the batch norm or without, that `state` has."""
        state = {key.removeprefix("module."): value for key, value in state.items()}
        levels = sum(key.startswith("enc") and key.endswith(".weight") and ".bn." not in key for key in state)
        shapes = [state[f"enc{i + 1}.weight"].shape for i in range(levels)]
        net = cls([(shape[0], shape[-1]) for shape in shapes],
                  [state[f"dec{i + 1}.weight"].shape[0] for i in range(levels)],
                  batch_norm=any(".bn." in key for key in state), prior_input=shapes[0][1] == 6,
                  head="head.weight" in state)
        net.load_state_dict(state)
        return net

    def forward(self, image, known, prior=None):
        """The fill of every pixel; the result is known·image + (1 − known)·fill."""
        if bool(self.harmonic_prior) and prior is None:
            raise ValueError("this network adds to a harmonic prior: pass prior=, the hole filled by Laplace's equation")
        mean, std = self.input_mean.view(1, 3, 1, 1), self.input_std.view(1, 3, 1, 1)
        height, width = image.shape[-2:]
        # Beyond the right and lower edge all is hole, up to a multiple of 2^levels.
        beyond = (0, -width % 2**self.levels, 0, -height % 2**self.levels)
        x, m = F.pad((image - mean) / std * known, beyond), F.pad(known, beyond)
        beside = None
        if self.prior_input:
            beside = F.pad((prior - mean) / std, beyond), F.pad(torch.ones_like(known), beyond)
        skips = []
        for i in range(1, self.levels + 1):
            skips.append((x, m))
            x, m = getattr(self, f"enc{i}")((x, m), prior=beside if i == 1 else None)
            x = F.relu(x)
        for i in range(self.levels, 0, -1):
            x, m = (F.interpolate(t, scale_factor=2, mode="nearest") for t in (x, m))
            x, m = getattr(self, f"dec{i}")((x, m), skips.pop(), prior=beside if i == 1 else None)
            if i > 1 or self.head is not None:
                x = torch.where(x > 0, x, x * self.decoder_slope)
        if self.head is not None:
            x = self.head(x)
        x = (x, torch.tanh(x), torch.sigmoid(x))[int(self.output_function)]
        x = x[..., :height, :width] * std
        return x + (mean if prior is None else prior)
