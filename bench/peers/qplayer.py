"""ProxSuite's QPLayer in PyTorch, its differentiable layer for feasible problems,
with its loop over the batch in C++. The peer proxqp calls the same solver without
PyTorch."""

from importlib.metadata import version as _version

import numpy as np
import torch
from proxsuite.torch.qplayer import QPFunction

from peers import common

ABOUT = "proxsuite.torch.qplayer.QPFunction, omp_parallel=True"


def version():
    return f"proxsuite {_version('proxsuite')}, torch {torch.__version__}"


class Peer(common.Peer):
    gradients = True

    def __init__(self, case, eps, threads):
        super().__init__(case, eps, threads)
        torch.set_num_threads(threads)
        c = case
        lower, upper = c.sides()
        G = c.G
        if c.l is not None:
            G = np.concatenate([G, np.broadcast_to(np.eye(c.n), (c.batch, c.n, c.n))], 1)
            lower = np.concatenate([lower, c.l], 1)
            upper = np.concatenate([upper, np.full((c.batch, c.n), np.inf)], 1)
        data = [c.Q, c.q, c.A, c.b, G, np.maximum(lower, -1e20), np.minimum(upper, 1e20)]
        self.data = [torch.from_numpy(np.ascontiguousarray(x)) for x in data]
        if c.p == 0:
            self.data[2] = self.data[3] = torch.empty(0, dtype=torch.float64)
        self.grad_data = [x.clone().requires_grad_(x.numel() > 0) for x in self.data]
        self.c = torch.from_numpy(c.c)
        torch.set_default_dtype(torch.float64)  # its gradients are made in the default type
        self.solve = QPFunction(eps=eps, maxIter=1000, eps_backward=1e-9, rho_backward=1e-9, mu_backward=1e-9, omp_parallel=True,
                                structural_feasibility=True)
        self.setting = f"eps={eps:g}, rho_backward=mu_backward=1e-9"

    def forward(self, keep=False):
        if keep:
            self.out = self.solve(*self.grad_data)
        else:
            with torch.no_grad():
                self.out = self.solve(*self.data)

    def backward(self):
        for x in self.grad_data:
            x.grad = None
        self.out[0].backward(self.c)

    def answer(self):
        c = self.case
        z, nu, y = (x.detach().numpy() for x in self.out[:3])
        return z, nu if c.p else None, y[:, : c.m], y[:, c.m :] if c.l is not None else None

    def grads(self, count):
        c = self.case
        g = [x.grad[:count].numpy() if x.grad is not None else None for x in self.grad_data]
        out = {"dQ": g[0], "dp": g[1]}
        if c.p:
            out.update(dA=g[2], db=g[3])
        if c.l is None:
            out.update(dG=g[4], dh=g[6])
        if c.hl is not None:
            out["dhl"] = g[5]
        return out
