"""qpth, OptNet's own layer: batched primal-dual interior point in PyTorch.

Fastest setting: no check of Q's definiteness (an eigenvalue decomposition per
element), and eps as loose as the residual test allows.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version as _version

import numpy as np
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
        self.c = torch.from_numpy(case.c)
        self.solve = QPFunction(verbose=-1, check_Q_spd=False, eps=eps, maxIter=30, notImprovedLim=3)
        self.setting = f"eps={eps:g}"
        self.data = [torch.from_numpy(x) for x in data]
        if case.p == 0:
            self.data[4] = self.data[5] = torch.empty(0, dtype=torch.float64)
        self.split(1)

    def split(self, parts):
        """Cuts the batch into parts, one for each thread of Python."""
        batch = self.case.batch
        cuts = [batch * k // parts for k in range(parts + 1)]
        self.parts = [[x[a:b] if x.numel() else x for x in self.data] for a, b in zip(cuts, cuts[1:])]
        self.grad_parts = [[x.clone().requires_grad_(x.numel() > 0) for x in part] for part in self.parts]
        self.cs = [self.c[a:b] for a, b in zip(cuts, cuts[1:])]
        self.pool = ThreadPoolExecutor(parts) if parts > 1 else None

    def prepare(self):
        # All of the batch on all of PyTorch's threads, or a part of it on each
        # thread: what is faster. The LU factorization of the MKL inside PyTorch
        # fails on some machines for n of 200 and more with several threads.
        times = {}
        for own, parts in (1, min(self.threads, self.case.batch)), (self.threads, 1):
            torch.set_num_threads(own)
            self.split(parts)
            try:
                self.forward()
                start = time.perf_counter()
                self.forward()
                times[own, parts] = time.perf_counter() - start
            except RuntimeError:
                self.setting += f" (fails with {own} threads of PyTorch)"
        own, parts = min(times, key=times.get)
        torch.set_num_threads(own)
        self.split(parts)
        self.setting += f", {own} threads of PyTorch" if parts == 1 else f", {parts} parts of the batch, one thread each"

    def each(self, call, *args):
        return list(map(call, *args)) if self.pool is None else list(self.pool.map(call, *args))

    def forward(self, keep=False):
        if keep:
            self.zs = self.each(lambda part: self.solve(*part), self.grad_parts)
            return

        def solve(part):
            with torch.no_grad():
                return self.solve(*part)

        self.zs = self.each(solve, self.parts)

    def backward(self):
        for part in self.grad_parts:
            for x in part:
                x.grad = None
        self.each(lambda z, c: z.backward(c), self.zs, self.cs)

    def answer(self):
        # The multipliers stay inside, where backward finds them.
        self.forward(keep=True)

        def joined(get):
            return np.concatenate([get(z).detach().numpy() for z in self.zs])

        nu = joined(lambda z: z.grad_fn.nus) if self.case.p else None
        return (joined(lambda z: z), nu) + self.case.net(joined(lambda z: z.grad_fn.lams))

    def grads(self, count):
        case = self.case
        g = [np.concatenate([x.grad.numpy() for x in part])[:count] if part[0].grad is not None else None for part in zip(*self.grad_parts)]
        out = {"dQ": g[0], "dp": g[1], **case.net_rows(g[2], g[3])}
        if case.p:
            out.update(dA=g[4], db=g[5])
        return out
