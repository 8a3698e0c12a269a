"""cvxpylayers in PyTorch, as its documentation shows it, with its default solver
(diffcp, and SCS inside): Q as the square of a parameter, which is what that
solver allows. The other names use its other solvers."""

from importlib.metadata import version as _version

import cvxpy as cp
import numpy as np
import torch
from cvxpylayers.torch import CvxpyLayer

from peers import common

ABOUT = "CvxpyLayer, default solver (diffcp)"


def version():
    return f"cvxpylayers {_version('cvxpylayers')}, cvxpy {_version('cvxpy')}"


class Peer(common.Peer):
    gradients = True
    solver = None
    square = True  # Q through its factor
    derivative_args = {"mode": "dense"}  # LSQR, the default, stops early
    largest = 100  # canonicalization builds a map from all parameters

    def __init__(self, case, eps, threads):
        super().__init__(case, eps, threads)
        if case.n > self.largest:
            raise common.TooSlow
        torch.set_num_threads(threads)
        c, n = case, case.n
        z, q = cp.Variable(n), cp.Parameter(n)
        params, values, self.names = [q], [c.q], ["dp"]
        if self.square:
            R = cp.Parameter((n, n))
            objective = 0.5 * cp.sum_squares(R @ z) + q @ z
            params.append(R)
            values.append(np.linalg.cholesky(c.Q).transpose(0, 2, 1))
            self.names.append(None)
        else:
            Q = cp.Parameter((n, n), PSD=True)
            objective = 0.5 * cp.quad_form(z, Q) + q @ z
            params.append(Q)
            values.append(c.Q)
            self.names.append("dQ")
        constraints = []
        self.rows = []
        for name, M, s, sense in (("A", c.A, c.b, "=="), ("G", c.G, c.h, "<="), ("H", c.G, c.hl, ">="), ("l", None, c.l, ">=")):
            if s is None or s.shape[1] == 0:
                continue
            side = cp.Parameter(s.shape[1])
            params.append(side)
            values.append(s)
            self.names.append({"A": "db", "G": "dh", "H": "dhl", "l": None}[name])
            if name == "H":
                M = self.rows_of_G
            elif M is not None:
                matrix = cp.Parameter(M.shape[1:])
                params.append(matrix)
                values.append(M)
                self.names.append({"A": "dA", "G": "dG"}[name])
                M = matrix
                if name == "G":
                    self.rows_of_G = matrix
            left = z if M is None else M @ z
            constraints.append({"==": left == side, "<=": left <= side, ">=": left >= side}[sense])
            self.rows.append(name)
        duals = [k.dual_variables[0] for k in constraints]
        self.layer = CvxpyLayer(cp.Problem(cp.Minimize(objective), constraints), parameters=params, variables=[z] + duals, solver=self.solver)
        self.values = [torch.from_numpy(np.ascontiguousarray(v)) for v in values]
        self.grad_values = [v.clone().requires_grad_(True) for v in self.values]
        self.c = torch.from_numpy(c.c)
        self.args = self.solver_args(eps)
        self.setting = str(self.args)

    def solver_args(self, eps):
        return {"eps_abs": eps / 10, "eps_rel": eps / 10, "max_iters": 20000, "acceleration_lookback": 0}

    def forward(self, keep=False):
        if keep:
            self.out = self.layer(*self.grad_values, solver_args={**self.args, **self.derivative_args})
        else:
            with torch.no_grad():
                self.out = self.layer(*self.values, solver_args=self.args)

    def backward(self):
        for v in self.grad_values:
            v.grad = None
        self.out[0].backward(self.c)

    def answer(self):
        c = self.case
        out = [x.detach().numpy() for x in self.out]
        d = dict(zip(self.rows, out[1:]))
        lam = d.get("G")
        if "H" in d:
            lam = lam - d["H"]
        return out[0], d.get("A"), lam, -d["l"] if "l" in d else None

    def grads(self, count):
        return {name: v.grad[:count].numpy() for name, v in zip(self.names, self.grad_values) if name and v.grad is not None}
