"""diffcp with Clarabel as its solver: a batch of cone programs over a pool of
threads. It has no exact derivative by a quadratic objective, so the QP becomes

    minimize  ½t + pᵀz   subject to   (t + 1, t − 1, 2Rz) in the second-order cone,  R = Lᵀ, Q = LLᵀ

and the gradients compared are those by p, A, b, G and h. Factoring Q is not
timed."""

from importlib.metadata import version as _version

import diffcp
import numpy as np
from scipy import sparse

from peers import common

ABOUT = "solve_and_derivative_batch, solve_method Clarabel, Q as a second-order cone"


def version():
    return f"diffcp {_version('diffcp')}, clarabel {_version('clarabel')}"


class Peer(common.Peer):
    gradients = True

    def __init__(self, case, eps, threads):
        super().__init__(case, eps, threads)
        c = case
        G, h = c.one_sided()
        self.rows, n = h.shape[1], c.n
        self.As, self.bs, self.cs = [], [], []
        for i in range(c.batch):
            R = np.linalg.cholesky(c.Q[i]).T
            top = np.zeros((2, n + 1))
            top[:, n] = -1
            soc = np.vstack([top, np.hstack([-2 * R, np.zeros((n, 1))])])
            lin = np.hstack([np.vstack([c.A[i], G[i]]), np.zeros((c.p + self.rows, 1))])
            self.As.append(sparse.csc_matrix(np.vstack([lin, soc])))
            self.bs.append(np.concatenate([c.b[i], h[i], [1, -1], np.zeros(n)]))
            self.cs.append(np.append(c.q[i], 0.5))
        self.cones = [{"z": c.p, "l": self.rows, "q": [n + 2]}] * c.batch
        self.mode = "dense"  # LSQR, the default, is slower here, and stops early
        tol = eps / 10
        self.kwargs = {"tol_feas": tol, "tol_gap_abs": tol, "tol_gap_rel": tol, "verbose": False}
        self.setting = f"tol={tol:g}, mode={self.mode}"

    def forward(self, keep=False):
        if keep:
            self.x, self.y, _, _, self.DT = diffcp.solve_and_derivative_batch(
                self.As, self.bs, self.cs, self.cones, n_jobs_forward=self.threads, n_jobs_backward=self.threads, mode=self.mode,
                solve_method="Clarabel", **self.kwargs)
        else:
            self.x, self.y, _ = diffcp.solve_only_batch(
                self.As, self.bs, self.cs, self.cones, n_jobs_forward=self.threads, solve_method="Clarabel", **self.kwargs)

    def backward(self):
        c = self.case
        m = len(self.bs[0])
        zeros = [np.zeros(m)] * c.batch
        self.d = self.DT([np.append(x, 0.0) for x in c.c], zeros, zeros)

    def answer(self):
        c = self.case
        x, y = np.array(self.x), np.array(self.y)
        lam = y[:, c.p : c.p + self.rows]
        return (x[:, : c.n], y[:, : c.p] if c.p else None) + c.net(lam)

    def grads(self, count):
        c = self.case
        dA, db, dc = self.d[:3]
        D = np.array([x.toarray()[: c.p + self.rows, : c.n] for x in dA[:count]])
        db = np.array(db[:count])
        out = {"dp": np.array(dc[:count])[:, : c.n], **c.net_rows(D[:, c.p :], db[:, c.p : c.p + self.rows])}
        if c.p:
            out.update(dA=D[:, : c.p], db=db[:, : c.p])
        return out
