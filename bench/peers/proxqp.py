"""ProxSuite's ProxQP, dense: BatchQP, solve_in_parallel and
solve_backward_in_parallel, which is what its QPLayer calls.

New data enter through init, which is timed, as is the scaling that it does.
Bounds are rows of G unless that is cheaper as a box: box constraints have no
derivative here.
"""

from importlib.metadata import version as _version

import numpy as np
import proxsuite

from peers import common

dense = proxsuite.proxqp.dense
ABOUT = "dense BatchQP, solve_in_parallel, solve_backward_in_parallel"


def version():
    return f"proxsuite {_version('proxsuite')}"


class Peer(common.Peer):
    gradients = True

    def __init__(self, case, eps, threads):
        super().__init__(case, eps, threads)
        self.lower, self.upper = case.sides()
        self.G = case.G
        if case.l is not None:
            self.G = np.ascontiguousarray(np.concatenate([case.G, np.broadcast_to(np.eye(case.n), (case.batch, case.n, case.n))], 1))
            self.lower = np.concatenate([self.lower, case.l], 1)
            self.upper = np.concatenate([self.upper, np.full((case.batch, case.n), np.inf)], 1)
        rows = self.G.shape[1]
        self.lower = np.maximum(self.lower, -1e20)
        self.upper = np.minimum(self.upper, 1e20)
        self.batch = dense.BatchQP()
        self.qps = []
        for _ in range(case.batch):
            qp = self.batch.init_qp_in_place(case.n, case.p, rows)
            s = qp.settings
            s.eps_abs, s.eps_rel = eps / 4, 0.0
            s.check_duality_gap = True
            s.eps_duality_gap_abs, s.eps_duality_gap_rel = eps / 4, 0.0
            s.initial_guess = proxsuite.proxqp.InitialGuess.EQUALITY_CONSTRAINED_INITIAL_GUESS
            s.compute_timings = False
            self.qps.append(qp)
        self.qps = [self.batch.get(i) for i in range(case.batch)]
        # A point at eps has gradients too far off: with keep, solve further.
        self.loss = dense.VectorLossDerivatives()
        for c in case.c:
            self.loss.append(np.concatenate([c, np.zeros(case.p + rows)]))
        self.setting = f"eps_abs={eps / 4:g}, rho_backward=mu_backward=1e-9"

    def forward(self, keep=False):
        c = self.case
        A, b = (c.A, c.b) if c.p else ([None] * c.batch, [None] * c.batch)
        for qp, Q, q, Ai, bi, G, l, u in zip(self.qps, c.Q, c.q, A, b, self.G, self.lower, self.upper):
            qp.init(Q, q, Ai, bi, G, l, u)
        dense.solve_in_parallel(self.batch, self.threads)

    def backward(self):
        dense.solve_backward_in_parallel(self.threads, self.batch, self.loss, eps=1e-9, rho_backward=1e-9, mu_backward=1e-9)

    def answer(self):
        c = self.case
        z = np.array([qp.results.x for qp in self.qps])
        nu = np.array([qp.results.y for qp in self.qps]) if c.p else None
        y = np.array([qp.results.z for qp in self.qps])
        return z, nu, y[:, : c.m], y[:, c.m :] if c.l is not None else None

    def grads(self, count):
        c = self.case
        d = [qp.model.backward_data for qp in self.qps[:count]]
        out = {"dQ": np.array([x.dL_dH for x in d]), "dp": np.array([x.dL_dg for x in d])}
        if c.l is None:
            out["dG"] = np.array([x.dL_dC for x in d])
            out["dh"] = np.array([x.dL_du for x in d])
        if c.hl is not None:
            out["dhl"] = np.array([x.dL_dl for x in d])
        if c.p:
            out["dA"], out["db"] = np.array([x.dL_dA for x in d]), np.array([x.dL_db for x in d])
        return out
