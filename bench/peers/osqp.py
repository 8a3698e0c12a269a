"""OSQP: one solver an element, so that the derivative finds its factors,
update() and no warm start. With eps and polishing as the residual test needs."""

from importlib.metadata import version as _version

import numpy as np
import osqp
from scipy import sparse

from peers import common

ABOUT = "builtin (QDLDL), update(), polishing on, no warm start"


def version():
    return f"osqp {_version('osqp')}"


class Peer(common.Loop):
    gradients = True

    def __init__(self, case, eps, threads):
        super().__init__(case, eps, threads)
        c = case
        lower, upper = c.sides()
        M, l, u = [c.A, c.G], [c.b, lower], [c.b, upper]
        if c.l is not None:
            M.append(np.broadcast_to(np.eye(c.n), (c.batch, c.n, c.n)))
            l.append(c.l)
            u.append(np.full((c.batch, c.n), np.inf))
        M = np.concatenate(M, 1)
        self.l, self.u = np.concatenate(l, 1), np.concatenate(u, 1)
        pattern = np.any(M != 0, axis=0)
        colmajor = np.nonzero(pattern.T)
        indptr = np.concatenate([[0], np.cumsum(pattern.sum(0))])
        upper = np.triu(np.any(c.Q != 0, axis=0))
        at = np.nonzero(upper.T)
        pptr = np.concatenate([[0], np.cumsum(upper.sum(0))])
        self.Px = [Q.T[at] for Q in c.Q]
        self.Ax = [X.T[colmajor] for X in M]
        self.at, self.colmajor = at, colmajor
        self.solvers, self.results = [], [None] * c.batch
        for i in range(c.batch):
            s = osqp.OSQP()
            P = sparse.csc_matrix((self.Px[i], at[1], pptr), shape=(c.n, c.n))
            A = sparse.csc_matrix((self.Ax[i], colmajor[1], indptr), shape=(M.shape[1], c.n))
            s.setup(P, c.q[i], A, self.l[i], self.u[i], verbose=False, eps_abs=eps / 2, eps_rel=eps / 2, polishing=eps < 1e-6,
                    warm_starting=False, max_iter=20000, check_termination=25)
            self.solvers.append(s)
        self.derivs = [None] * c.batch
        self.setting = f"eps={eps / 2:g}" + (", polishing" if eps < 1e-6 else "")

    def one(self, i, t, keep):
        s = self.solvers[i]
        s.update(q=self.case.q[i], l=self.l[i], u=self.u[i], Px=self.Px[i], Ax=self.Ax[i])
        self.results[i] = r = s.solve(raise_error=False)
        return r.info.update_time + r.info.solve_time + r.info.polish_time

    def back(self, i, t):
        s = self.solvers[i]
        s.adjoint_derivative_compute(dx=self.case.c[i])
        dP, dA = s.adjoint_derivative_get_mat(as_dense=False)
        self.derivs[i] = (dP, dA) + s.adjoint_derivative_get_vec()

    def answer(self):
        c = self.case
        z, y = np.array([r.x for r in self.results]), np.array([r.y for r in self.results])
        z, y = np.nan_to_num(z.astype(float), nan=0.0), np.nan_to_num(y.astype(float), nan=0.0)
        end = c.p + c.m
        return z, y[:, : c.p] if c.p else None, y[:, c.p : end], y[:, end:] if c.l is not None else None

    def grads(self, count):
        c = self.case
        out = {"dp": np.array([d[2] for d in self.derivs[:count]])}
        lo, up = np.array([d[3] for d in self.derivs[:count]]), np.array([d[4] for d in self.derivs[:count]])
        out["dh"] = up[:, c.p : c.p + c.m]
        if c.p:
            out["db"] = lo[:, : c.p] + up[:, : c.p]
        return out
