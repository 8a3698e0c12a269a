"""Solve one QP, given as arrays, with Clarabel and PIQP: peers.py FILE.npz SECONDS.

Prints a JSON object for each: solver, status, seconds (setup and solve, wall clock),
objective, and relative, the largest residual over 1 + its scale, computed here from the
data for all solvers alike."""

import json
import sys
import time

import numpy as np
import scipy.sparse as sp

EPS = 1e-8


def load(name):
    z = np.load(name)

    def matrix(k):
        return sp.csc_matrix((z[k + "x"], z[k + "i"], z[k + "p"]), shape=tuple(z[k + "shape"]))

    return matrix("Q"), z["c"], matrix("A"), z["rl"], z["ru"], z["l"], z["u"], float(z["constant"])


def measure(problem, x, y, mu):
    Q, c, A, rl, ru, l, u, constant = problem
    full = Q + sp.triu(Q, 1).T
    ax, qx, aty = A @ x, full @ x, A.T @ y
    primal = max(np.max(rl - ax, initial=0), np.max(ax - ru, initial=0), np.max(l - x, initial=0), np.max(x - u, initial=0))
    eq = rl == ru
    pscale = max(np.max(np.abs(ax), initial=0), np.max(np.abs(rl[eq]), initial=0))
    dual = np.max(np.abs(qx + c + aty + mu), initial=0)
    dscale = max(np.max(np.abs(v), initial=0) for v in (qx, c, aty, mu))

    def sides(m, lo, up):
        pos, neg = m > 0, m < 0
        return m[pos] @ up[pos] + m[neg] @ lo[neg]

    with np.errstate(invalid="ignore"):
        s = sides(y, rl, ru) + sides(mu, l, u)
    xqx, cx = x @ qx, c @ x
    gap = abs(xqx + cx + s)
    gscale = max(abs(xqx / 2 + cx), abs(xqx / 2 + s))
    relative = max(primal / (1 + pscale), dual / (1 + dscale), gap / (1 + gscale))
    return xqx / 2 + cx + constant, relative


def report(solver, status, seconds, problem=None, point=None):
    objective = relative = None
    if point is not None and all(np.all(np.isfinite(v)) for v in point):
        objective, relative = measure(problem, *point)
        if not np.isfinite(relative):
            relative = None
    print(json.dumps({"solver": solver, "status": str(status), "seconds": seconds, "objective": objective, "relative": relative}), flush=True)


def clarabel(problem, limit):
    import clarabel as cl

    Q, c, A, rl, ru, l, u, _ = problem
    n = len(c)
    stacked = sp.vstack([A, sp.identity(n, format="csc")], format="csr")
    lo, up = np.concatenate([rl, l]), np.concatenate([ru, u])
    eq, hi, lw = lo == up, (up < np.inf) & (lo != up), (lo > -np.inf) & (lo != up)
    M = sp.vstack([stacked[eq], stacked[hi], -stacked[lw]], format="csc")
    b = np.concatenate([lo[eq], up[hi], -lo[lw]])
    cones = []
    if eq.any():
        cones.append(cl.ZeroConeT(int(eq.sum())))
    if hi.any() or lw.any():
        cones.append(cl.NonnegativeConeT(int(hi.sum() + lw.sum())))
    s = cl.DefaultSettings()
    s.verbose, s.time_limit = False, limit
    s.tol_gap_abs = s.tol_gap_rel = s.tol_feas = EPS
    P = sp.csc_matrix(sp.triu(Q))
    began = time.perf_counter()
    sol = cl.DefaultSolver(P, c, M, b, cones, s).solve()
    seconds = time.perf_counter() - began
    z, net = np.array(sol.z), np.zeros(len(lo))
    k = int(eq.sum())
    net[eq] = z[:k]
    net[hi] += z[k : k + int(hi.sum())]
    net[lw] -= z[k + int(hi.sum()) :]
    m = A.shape[0]
    report("clarabel", sol.status, seconds, problem, (np.array(sol.x), net[:m], net[m:]))


def piqp(problem, limit):
    import piqp as pq

    Q, c, A, rl, ru, l, u, _ = problem
    rows = A.tocsr()
    eq = rl == ru
    s = pq.SparseSolver()
    s.settings.eps_abs = s.settings.eps_rel = EPS
    s.settings.check_duality_gap = True
    s.settings.eps_duality_gap_abs = s.settings.eps_duality_gap_rel = EPS
    s.settings.verbose = False
    full = sp.csc_matrix(Q + sp.triu(Q, 1).T)
    ineq = ~eq
    equal, rest = sp.csc_matrix(rows[eq]), sp.csc_matrix(rows[ineq])
    began = time.perf_counter()
    s.setup(full, c, equal, rl[eq], rest, rl[ineq], ru[ineq], l, u)
    status = s.solve()
    seconds = time.perf_counter() - began
    r = s.result
    y = np.zeros(A.shape[0])
    y[eq] = r.y
    y[ineq] = np.array(r.z_u) - np.array(r.z_l)
    mu = np.array(r.z_bu) - np.array(r.z_bl)
    report("piqp", status, seconds, problem, (np.array(r.x), y, mu))


if __name__ == "__main__":
    data, seconds = load(sys.argv[1]), float(sys.argv[2])
    for f in (clarabel, piqp):
        try:
            f(data, seconds)
        except Exception as e:  # a peer that fails is a figure of the table too
            report(f.__name__, f"failed: {e}", 0.0)
