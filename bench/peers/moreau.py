"""Moreau, batched: CompiledSolver on the CPU, its default choice of method (an
active set for small QPs, interior point otherwise). Variant ipm of the name
"moreau_ipm" is interior point always.

Setting the matrices is timed: they differ from element to element. The solver
for forward alone is built without enable_grad."""

from importlib.metadata import version as _version

import moreau
import numpy as np

from peers import common

ABOUT = "CompiledSolver, device cpu"


def version():
    return f"moreau {_version('moreau')} ({_version('moreau-cpu')} on the CPU)"


class Peer(common.Peer):
    gradients = True
    method = "auto"

    def __init__(self, case, eps, threads):
        super().__init__(case, eps, threads)
        c = case
        G, h = c.one_sided()
        self.b = np.concatenate([c.b, h], 1)
        A = np.concatenate([c.A, G], 1)
        self.rows = h.shape[1]

        def csr(M):
            pattern = np.any(M != 0, axis=0)
            at = np.nonzero(pattern)
            return np.concatenate([[0], np.cumsum(pattern.sum(1))]).tolist(), at

        Pptr, self.Pat = csr(c.Q)
        Aptr, self.Aat = csr(A)
        self.P = np.ascontiguousarray(c.Q[:, *self.Pat])
        self.A = np.ascontiguousarray(A[:, *self.Aat])
        self.shape = A.shape[1:]

        def build(grad):
            ipm = moreau.IPMSettings(tol_gap_abs=eps / 2, tol_gap_rel=eps / 2, tol_feas=eps / 2)
            s = moreau.Settings(device="cpu", batch_size=c.batch, solver=self.method, enable_grad=grad, ipm_settings=ipm)
            if self.method != "ipm":
                s.active_set_settings = moreau.ActiveSetSettings(primal_tol=min(1e-6, eps / 10))
            cones = moreau.Cones(num_zero_cones=c.p, num_nonneg_cones=self.rows)
            return moreau.CompiledSolver(n=c.n, m=c.p + self.rows, P_row_offsets=Pptr, P_col_indices=self.Pat[1].tolist(),
                                         A_row_offsets=Aptr, A_col_indices=self.Aat[1].tolist(), cones=cones, settings=s)

        self.plain, self.grad = build(False), build(True)
        self.setting = f"solver={self.method}, tol={eps / 2:g}"

    def forward(self, keep=False):
        s = self.grad if keep else self.plain
        s.setup(self.P, self.A)
        self.solution = s.solve(self.case.q, self.b)
        self.native = s.info.setup_time + s.info.solve_time

    def backward(self):
        self.d = self.grad.backward(self.case.c)

    def answer(self):
        s, p = self.solution, self.case.p
        y = np.asarray(s.z)
        return (np.asarray(s.x), y[:, :p] if p else None) + self.case.net(y[:, p:])

    def grads(self, count):
        c, d = self.case, self.d

        def full(values, at, shape):
            out = np.zeros((count,) + shape)
            out[:, *at] = np.asarray(values)[:count]
            return out

        dA, db = full(d["dA_values"], self.Aat, self.shape), np.asarray(d["db"])[:count]
        out = {"dp": np.asarray(d["dq"])[:count], **c.net_rows(dA[:, c.p :], db[:, c.p :])}
        if not c.diagonal:
            out["dQ"] = full(d["dP_values"], self.Pat, (c.n, c.n))
        if c.p:
            out.update(dA=dA[:, : c.p], db=db[:, : c.p])
        return out
