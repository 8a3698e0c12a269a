"""PIQP, dense interface: one solver a thread, update() for the data of each
element. It has no batches and no derivatives."""

from importlib.metadata import version as _version

import numpy as np
import piqp

from peers import common

ABOUT = "DenseSolver, dense_cholesky, update()"


def version():
    return f"piqp {_version('piqp')}"


class Peer(common.Loop):
    def __init__(self, case, eps, threads):
        super().__init__(case, eps, threads)
        c, f = case, np.asfortranarray
        self.args = []
        for i in range(c.batch):
            kw = {"P": f(c.Q[i]), "c": c.q[i]}
            if c.p:
                kw.update(A=f(c.A[i]), b=c.b[i])
            if c.m:
                kw.update(G=f(c.G[i]), h_u=c.h[i])
                if c.hl is not None:
                    kw["h_l"] = c.hl[i]
            if c.l is not None:
                kw["x_l"] = c.l[i]
            self.args.append(kw)
        self.solvers = []
        for _ in range(threads):
            s = piqp.DenseSolver()
            s.settings.eps_abs, s.settings.eps_rel = eps / 2, 0.0
            s.settings.check_duality_gap = True
            s.settings.eps_duality_gap_abs, s.settings.eps_duality_gap_rel = eps / 2, 0.0
            s.settings.compute_timings = True
            kw = self.args[0]
            s.setup(kw["P"], kw["c"], kw.get("A"), kw.get("b"), kw.get("G"), kw.get("h_l"), kw.get("h_u"), kw.get("x_l"), None)
            self.solvers.append(s)
        self.z, self.nu = np.empty((c.batch, c.n)), np.empty((c.batch, c.p))
        self.lam, self.mu = np.empty((c.batch, c.m)), np.empty((c.batch, c.n))
        self.setting = f"eps_abs={eps / 2:g}"

    def one(self, i, t, keep):
        s, c = self.solvers[t], self.case
        s.update(**self.args[i])
        s.solve()
        r = s.result
        self.z[i] = r.x
        if c.p:
            self.nu[i] = r.y
        if c.m:
            self.lam[i] = r.z_u
            if c.hl is not None:
                self.lam[i] -= r.z_l
        if c.l is not None:
            self.mu[i] = -r.z_bl
        return r.info.update_time + r.info.solve_time

    def answer(self):
        c = self.case
        return self.z, self.nu if c.p else None, self.lam, self.mu if c.l is not None else None
