"""Writes the TorchScript archives in this folder: one libtorch call each, for ops that DJL does not expose.

Run with any PyTorch >= 1.13: the placeholder call is scripted, then its one line of TorchScript source is replaced, so that the archive
may name an op that is newer than the PyTorch that wrote it (libtorch 2.7.1 resolves it at load time).
"""
import os, tempfile, zipfile
import torch


class Placeholder(torch.nn.Module):
    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return torch.matmul(q, k)


PEERS = {
    "sdpa": "torch.scaled_dot_product_attention(q, k, v)",
    "sdpa_causal": "torch.scaled_dot_product_attention(q, k, v, None, 0., True)",
    "sigmoid_attention_eager": "torch.matmul(torch.sigmoid(torch.add(torch.mul(torch.matmul(q, torch.transpose(k, -2, -1)), 0.125), -7.6246189861593985)), v)",
    "softmax_last_dim": "torch.softmax(q, -1)",
    "softmax_last_dim_out": "torch.softmax(q, -1, None, out=k)",
    "log_softmax_last_dim": "torch.log_softmax(q, -1)",
    "log_softmax_last_dim_out": "torch.log_softmax(q, -1, None, out=k)",
    "log_sum_exp_last_dim": "torch.logsumexp(q, [-1])",
}

with tempfile.TemporaryDirectory() as tmp:
    source = os.path.join(tmp, "placeholder.pt")
    torch.jit.save(torch.jit.script(Placeholder()), source)
    for name, call in PEERS.items():
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(name + ".pt", "w", zipfile.ZIP_STORED) as new:
            for entry in old.namelist():
                if entry.endswith(".debug_pkl"):
                    continue
                data = old.read(entry)
                if entry.endswith(".py"):
                    text = data.decode()
                    assert "torch.matmul(q, k)" in text
                    data = text.replace("torch.matmul(q, k)", call).encode()
                new.writestr(zipfile.ZipInfo(entry), data)
