"""qpth, OptNet's own layer: batched primal-dual interior point in PyTorch.

Fastest setting: no check of Q's definiteness (an eigenvalue decomposition per
element), and eps as loose as the residual test allows.
"""

from importlib.metadata import version as _version

import torch
from qpth.qp import QPFunction

from peers import common

ABOUT = "PDIPM_BATCHED, check_Q_spd=False, maxIter=30"


def version():
    return f"qpth {_version('qpth')}, torch {torch.__version__}"


class Peer(common.Peer):
    gradients = True

    def __init__(self, case, eps, threads):
        super().__init__(case, eps, threads)
        torch.set_num_threads(threads)
        G, h = case.one_sided()
        data = [case.Q, case.q, G, h, case.A, case.b]
        self.data = [torch.from_numpy(x) for x in data]
        if case.p == 0:
            self.data[4] = self.data[5] = torch.empty(0, dtype=torch.float64)
        self.grad_data = [x.clone().requires_grad_(x.numel() > 0) for x in self.data]
        self.c = torch.from_numpy(case.c)
        self.solve = QPFunction(verbose=-1, check_Q_spd=False, eps=eps, maxIter=30, notImprovedLim=3)
        self.setting = f"eps={eps:g}"

    def forward(self, keep=False):
        if keep:
            self.z = self.solve(*self.grad_data)
            return
        with torch.no_grad():
            self.z = self.solve(*self.data)

    def backward(self):
        for x in self.grad_data:
            x.grad = None
        self.z.backward(self.c)

    def answer(self):
        # The multipliers stay inside, where backward finds them.
        self.forward(keep=True)
        ctx = self.z.grad_fn
        nu = ctx.nus.numpy() if self.case.p else None
        return (self.z.detach().numpy(), nu) + self.case.net(ctx.lams.numpy())

    def grads(self, count):
        case = self.case
        g = [x.grad[:count].numpy() if x.grad is not None else None for x in self.grad_data]
        out = {"dQ": g[0], "dp": g[1], **case.net_rows(g[2], g[3])}
        if case.p:
            out.update(dA=g[4], db=g[5])
        return out
