"""qpth, qpax and Moreau on the GPU beside the figures of bench.txt, which our benchmark
wrote: random QPs of the same profile and sizes, data on the device, float64. Each
row of the table is printed when it is known.

Times are medians in milliseconds, after a first call that does not count. A
solution counts only if its residuals pass the test at 1e-8 on every element.
"""

import os
import re
import statistics
import sys
import time
import types

import numpy as np


def ours(path):
    """forward and backward of the kernels, by (n, m, p, batch)."""
    table = {}
    for line in open(path):
        m = re.match(r"BenchmarkForwardBackward/n=(\d+)/m=(\d+)/p=(\d+)/batch=(\d+)", line)
        if m:
            metric = {k: float(v) for v, k in re.findall(r"([0-9.]+) (kernel-\w+-ms|call-\w+-ms)", line)}
            table[tuple(map(int, m.groups()))] = metric
    return table


def problems(n, m, p, size):
    """The OptNet paper's profile: see cuda/bench_test.go."""
    rng = np.random.default_rng(1)
    L = rng.random((size, n, n))
    Q = L @ L.transpose(0, 2, 1) + 1e-3 * np.eye(n)
    q, G, A = rng.standard_normal((size, n)), rng.standard_normal((size, m, n)), rng.standard_normal((size, p, n))
    z = rng.standard_normal((size, n, 1))
    return Q, q, G, (G @ z)[..., 0] + rng.random((size, m)), A, (A @ z)[..., 0]


def passes(data, z, nu, lam, eps=1e-8):
    """The share of elements whose residuals pass."""
    Q, q, G, h, A, b = data
    mul = lambda M, x: (M @ x[..., None])[..., 0]
    top = lambda x: np.abs(x).max(-1)
    Qz, Gz, Az = mul(Q, z), mul(G, z), mul(A, z)
    GTl, ATn = mul(G.transpose(0, 2, 1), lam), mul(A.transpose(0, 2, 1), nu)
    dual = top(Qz + q + GTl + ATn) <= eps * (1 + np.max([top(Qz), top(q), top(GTl), top(ATn)], 0))
    primal = np.maximum((Gz - h).max(-1), top(Az - b)) <= eps * (1 + np.max([top(Gz), top(Az), top(b)], 0))
    quad, lin, sides = (z * Qz).sum(-1), (z * q).sum(-1), (nu * b).sum(-1) + (lam * h).sum(-1)
    gap = np.abs(quad + lin + sides) <= eps * (1 + np.maximum(np.abs(quad / 2 + lin), np.abs(quad / 2 + sides)))
    return (dual & primal & gap & (lam >= -eps).all(-1)).mean()


def median(f, wait, times):
    spent = []
    for k in range(times + 1):
        wait()
        start = time.perf_counter()
        f()
        wait()
        spent.append(1e3 * (time.perf_counter() - start))
    return statistics.median(spent[1:])


def run_qpth(data, times):
    import torch

    sys.modules.setdefault("cvxpy", types.ModuleType("cvxpy"))  # imported, and not used here
    from qpth.qp import QPFunction

    t = [torch.tensor(x, device="cuda", requires_grad=True) for x in data]
    Q, q, G, h, A, b = t
    up = torch.randn_like(q)
    solve = QPFunction(verbose=-1, check_Q_spd=False, eps=1e-9, maxIter=30, notImprovedLim=3)
    z = None

    def forward():
        nonlocal z
        z = solve(Q, q, G, h, A, b)

    fwd = median(forward, torch.cuda.synchronize, times)
    bwd = median(lambda: torch.autograd.grad(z, t, up, retain_graph=True), torch.cuda.synchronize, times)
    # Its multipliers stay in the graph; the primal residual is what can be checked.
    zn = z.detach().cpu().numpy()
    mul = lambda M, x: (M @ x[..., None])[..., 0]
    viol = max(float((mul(data[2], zn) - data[3]).max()), float(np.abs(mul(data[4], zn) - data[5]).max()))
    return fwd, bwd, f"primal residual {viol:.1e}"


def run_qpax(data, times):
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
    import qpax

    Q, q, G, h, A, b = (jnp.asarray(x) for x in data)
    solve = jax.jit(jax.vmap(lambda *d: qpax.solve_qp(*d, solver_tol=1e-9, max_iter=60)))
    primal = jax.vmap(lambda *d: qpax.solve_qp_primal(*d, solver_tol=1e-9, target_kappa=1e-10, max_iter=60))
    up = jnp.ones_like(q)
    both = jax.jit(lambda *d: jax.vjp(primal, *d)[1](up))
    args = Q, q, A, b, G, h
    out = None

    def forward():
        nonlocal out
        out = jax.block_until_ready(solve(*args))

    fwd = median(forward, lambda: None, times)
    full = median(lambda: jax.block_until_ready(both(*args)), lambda: None, times)
    x, s, z, y = (np.asarray(v) for v in out[:4])
    return fwd, full, f"{100 * passes(data, x, y, z):.0f} % pass"


def run_moreau(data, times):
    import torch  # first: it brings the CUDA libraries that Moreau needs
    import moreau
    from moreau.torch import Solver

    Q, q, G, h, A, b = (torch.tensor(x, device="cuda") for x in data)
    size, n = q.shape
    m, p = h.shape[1], b.shape[1]
    rows = torch.cat([A, G], 1)

    def csr(k):  # a full matrix of k rows
        return torch.arange(0, k * n + 1, n), torch.arange(n).repeat(k)

    tol = 5e-9
    ipm = moreau.IPMSettings(tol_gap_abs=tol, tol_gap_rel=tol, tol_feas=tol)
    settings = moreau.Settings(device="cuda", solver="ipm", batch_size=size, enable_grad=True, ipm_settings=ipm)
    solver = Solver(n, m + p, *csr(n), *csr(m + p), moreau.Cones(num_zero_cones=p, num_nonneg_cones=m), settings)
    t = [x.reshape(size, -1).contiguous().requires_grad_() for x in (Q, rows)] + [x.requires_grad_() for x in (q, torch.cat([b, h], 1))]
    up = torch.randn_like(q)
    out = None

    def forward():
        nonlocal out
        out = solver.solve(*t)

    fwd = median(forward, torch.cuda.synchronize, times)
    bwd = median(lambda: torch.autograd.grad(out.x, t, up, retain_graph=True), torch.cuda.synchronize, times)
    z, y = out.x.detach().cpu().numpy(), out.z.detach().cpu().numpy()
    return fwd, bwd, f"{100 * passes(data, z, y[:, :p], y[:, p:]):.0f} % pass"


def main():
    table = ours(sys.argv[1])
    print("| n, m, p | batch | optnet forward / backward | qpth forward / backward | qpth ÷ optnet | Moreau forward / backward | Moreau ÷ optnet | qpax forward / forward+backward |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    wanted = os.environ.get("PEERS", "qpth moreau qpax").split()
    for (n, m, p, size), t in table.items():
        data = problems(n, m, p, size)
        fwd, bwd = t["kernel-forward-ms"], t["kernel-backward-ms"]
        cells = [f"{n}, {m}, {p}", str(size), f"{fwd:.3g} / {bwd:.3g}"]
        for name, run in (("qpth", run_qpth), ("moreau", run_moreau)):
            if name not in wanted:
                cells += ["not run", ""]
                continue
            try:
                f, b, note = run(data, 3)
                cells += [f"{f:.4g} / {b:.3g}", f"{(f + b) / (fwd + bwd):.0f}"]
                print(f"{name} {n} {m} {p} {size}: {note}")
            except Exception as e:  # noqa: BLE001: a peer that fails is a result
                cells += [f"failed: {type(e).__name__}", ""]
                print(f"{name} {n} {m} {p} {size}: {type(e).__name__}: {e}"[:300])
        if size == 128 and n <= 100 and "qpax" in wanted:
            try:
                f, b, note = run_qpax(data, 3)
                cells.append(f"{f:.4g} / {b:.4g}")
                print(f"qpax {n} {m} {p} {size}: {note}")
            except Exception as e:  # noqa: BLE001
                cells.append(f"failed: {type(e).__name__}")
                print(f"qpax {n} {m} {p} {size}: {e}"[:200])
        else:
            cells.append("not run")
        print("| " + " | ".join(cells) + " |", flush=True)


main()
