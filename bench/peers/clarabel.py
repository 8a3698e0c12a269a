"""Clarabel, called directly: one solver a thread, update() for the data of each
element, which keeps the symbolic factorization. It has no batches and no
derivatives; diffcp has them. Its own clock adds the constructor's time to every
solve, so it is not used."""

from importlib.metadata import version as _version

import clarabel
import numpy as np
from scipy import sparse

from peers import common

ABOUT = "DefaultSolver, update(), QP terms in P"


def version():
    return f"clarabel {_version('clarabel')}"


class Peer(common.Loop):
    def __init__(self, case, eps, threads):
        super().__init__(case, eps, threads)
        c = case
        G, h = c.one_sided()
        rows = c.p + h.shape[1]
        upper = [(i, j) for j in range(c.n) for i in range(j + 1)]
        if c.diagonal:
            upper = [(j, j) for j in range(c.n)]
        self.at = tuple(np.array(upper).T)
        ones = sparse.csc_matrix((np.ones(len(upper)), self.at), shape=(c.n, c.n))
        AG = np.concatenate([c.A, G], 1)
        pattern = np.any(AG != 0, axis=0)
        colmajor = np.nonzero(pattern.T)
        self.Pv = [Q[self.at] for Q in c.Q]
        self.Av = [M.T[colmajor] for M in AG]
        self.b = np.concatenate([c.b, h], 1)
        indptr = np.concatenate([[0], np.cumsum(pattern.sum(0))])
        cones = ([clarabel.ZeroConeT(c.p)] if c.p else []) + [clarabel.NonnegativeConeT(h.shape[1])]
        s = clarabel.DefaultSettings()
        s.verbose = False
        s.presolve_enable = s.chordal_decomposition_enable = s.input_sparse_dropzeros = False
        s.tol_feas, s.tol_gap_abs, s.tol_gap_rel = eps / 2, eps / 2, eps / 2
        s.direct_solve_method, s.max_threads = "qdldl", 1
        self.solvers = []
        for _ in range(threads):
            P = sparse.csc_matrix((self.Pv[0], ones.indices, ones.indptr), shape=(c.n, c.n))
            A = sparse.csc_matrix((self.Av[0], colmajor[1], indptr), shape=(rows, c.n))
            self.solvers.append(clarabel.DefaultSolver(P, c.q[0], A, self.b[0], cones, s))
        self.z, self.y = np.empty((c.batch, c.n)), np.empty((c.batch, rows))
        self.setting = f"qdldl, tol={eps / 2:g}"

    def one(self, i, t, keep):
        s = self.solvers[t]
        s.update(P=self.Pv[i], q=self.case.q[i], A=self.Av[i], b=self.b[i])
        r = s.solve()
        self.z[i], self.y[i] = r.x, r.z
        return None

    def answer(self):
        p = self.case.p
        return (self.z, self.y[:, :p] if p else None) + self.case.net(self.y[:, p:])
