"""Writes the TorchScript archives in this folder: one libtorch call each, for ops that DJL does not expose.

Needs Python only. An archive is a zip file with a few lines of TorchScript source; every archive here is softmax_last_dim.pt with another
signature and another body, so it may name any op that the libtorch which loads it has (2.7.1).
"""
import os
import zipfile

TEMPLATE = "softmax_last_dim.pt"
HEAD = "  def forward("

# name: (arguments, result type, statements; the last one is the result)
PEERS = {
    "sdpa": ("q k v", "Tensor", "torch.scaled_dot_product_attention(q, k, v)"),
    "sdpa_causal": ("q k v", "Tensor", "torch.scaled_dot_product_attention(q, k, v, None, 0., True)"),
    "sdpa_forward_for_backward": (
        "q k v",
        "Tuple[Tensor, Tensor]",
        "o, lse, = torch._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0., False)",
        "(o, lse)",
    ),
    "sdpa_backward": (
        "g q k v o lse",
        "Tuple[Tensor, Tensor, Tensor]",
        "dq, dk, dv, = torch._scaled_dot_product_flash_attention_for_cpu_backward(g, q, k, v, o, lse, 0., False)",
        "(dq, dk, dv)",
    ),
    "sigmoid_attention_eager": (
        "q k v",
        "Tensor",
        "scores = torch.mul(torch.matmul(q, torch.transpose(k, -2, -1)), 0.125)",
        "torch.matmul(torch.sigmoid(torch.add(scores, -7.6246189861593985)), v)",
    ),
    "softmax_last_dim": ("q k v", "Tensor", "torch.softmax(q, -1)"),
    "softmax_last_dim_out": ("q k v", "Tensor", "torch.softmax(q, -1, None, out=k)"),
    "log_softmax_last_dim": ("q k v", "Tensor", "torch.log_softmax(q, -1)"),
    "log_softmax_last_dim_out": ("q k v", "Tensor", "torch.log_softmax(q, -1, None, out=k)"),
    "log_sum_exp_last_dim": ("q k v", "Tensor", "torch.logsumexp(q, [-1])"),
    # What autograd runs for -log_softmax(x).gather(-1, target).sum(): x [R, N] float32, target [R, 1] int64.
    "cross_entropy_gradient": (
        "x target",
        "Tuple[Tensor, Tensor]",
        "y = torch.log_softmax(x, -1)",
        "loss = torch.neg(torch.gather(y, -1, target))",
        "g = torch.scatter(torch.zeros_like(x), -1, target, -1.)",
        "(loss, torch._log_softmax_backward_data(g, y, -1, 6))",
    ),
    "matmul_out": ("a b c", "Tensor", "torch.matmul(a, b, out=c)"),
    "exp_out": ("x y", "Tensor", "torch.exp(x, out=y)"),
    "log_out": ("x y", "Tensor", "torch.log(x, out=y)"),
    "sigmoid_out": ("x y", "Tensor", "torch.sigmoid(x, out=y)"),
    "softplus_out": ("x y", "Tensor", "torch.softplus(x, 1, 20, out=y)"),
    "tanh_out": ("x y", "Tensor", "torch.tanh(x, out=y)"),
    "erf_out": ("x y", "Tensor", "torch.erf(x, out=y)"),
}


def source(template, arguments, result, *statements):
    *before, value = statements
    lines = [template[: template.index(HEAD)] + HEAD + "self: __torch__.Placeholder"]
    lines[0] += "".join(",\n    %s: Tensor" % name for name in arguments.split()) + ") -> %s:" % result
    lines += ["    " + line for line in before] + ["    return " + value, ""]
    return "\n".join(lines)


def main():
    with zipfile.ZipFile(TEMPLATE) as old:
        entries = [(name, old.read(name)) for name in old.namelist()]
    for name, call in PEERS.items():
        with zipfile.ZipFile(name + ".tmp", "w", zipfile.ZIP_STORED) as new:
            for entry, data in entries:
                if entry.endswith(".py"):
                    data = source(data.decode(), *call).encode()
                new.writestr(zipfile.ZipInfo(entry), data)
        os.replace(name + ".tmp", name + ".pt")


if __name__ == "__main__":
    main()
