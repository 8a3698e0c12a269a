"""DAQP, dual active set: one Model a thread, update() for the data of each
element, cold starts. It has no batches and no derivatives. Its clock leaves
update() out, whose wall time is added."""

import time
from importlib.metadata import version as _version

import daqp
import numpy as np

from peers import common

ABOUT = "Model, update()"


def version():
    return f"daqp {_version('daqp')}"


class Peer(common.Loop):
    def __init__(self, case, eps, threads):
        super().__init__(case, eps, threads)
        c = case
        lower, upper = c.sides()
        self.nb = c.n if c.l is not None else 0
        lo, up = [lower, c.b], [upper, c.b]
        if self.nb:
            lo.insert(0, c.l)
            up.insert(0, np.full((c.batch, c.n), 1e30))
        self.lo = np.maximum(np.concatenate(lo, 1), -1e30)
        self.up = np.concatenate(up, 1)
        self.M = np.ascontiguousarray(np.concatenate([c.G, c.A], 1))
        sense = np.zeros(self.nb + c.m + c.p, dtype=np.intc)
        sense[self.nb + c.m :] = 5
        self.sense = sense
        self.models = []
        for _ in range(threads):
            d = daqp.Model()
            d.setup(c.Q[0].copy(), c.q[0].copy(), self.M[0].copy(), self.up[0].copy(), self.lo[0].copy(), sense.copy())
            s = dict(d.settings)
            s.update(primal_tol=min(1e-6, eps / 10), iter_limit=100000)
            d.settings = s
            self.models.append(d)
        self.z, self.y = np.empty((c.batch, c.n)), np.empty((c.batch, len(sense)))
        self.setting = f"primal_tol={min(1e-6, eps / 10):g}"

    def one(self, i, t, keep):
        d, c = self.models[t], self.case
        start = time.perf_counter()
        # The sense is given each time, so that no active set is remembered.
        d.update(H=c.Q[i], f=c.q[i], A=self.M[i], bupper=self.up[i], blower=self.lo[i], sense=self.sense)
        updated = time.perf_counter() - start
        self.z[i], _, _, info = d.solve()
        self.y[i] = info["lam"]
        return updated + info["solve_time"]

    def answer(self):
        c, b = self.case, self.nb
        y = self.y
        return self.z, y[:, b + c.m :] if c.p else None, y[:, b : b + c.m], y[:, :b] if b else None
