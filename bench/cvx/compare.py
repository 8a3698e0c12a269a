"""Compares package layer with cvxpylayers on the models of models.json.

    python compare.py values  [--models NAMES]     optimal values and gradients
    python compare.py times   [--models NAMES] [--batches 1,64,512] [--seconds S]
    python compare.py compile                      compile times at 100,000 nonzeros

Values: optimal values beside CVXPY with Clarabel, gradients of a weighted sum of
the variables beside cvxpylayers with diffcp (Clarabel inside, dense derivative)
and with Moreau. Where gradients differ, a central difference of our own solver
along a random direction is the referee.

Times: forward and backward together, the median of repeated calls after one that
does not count, for cvxpylayers with its default solver and with Moreau.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

for k in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(k, "2")

import cvxpy as cp
import numpy as np
import torch
from cvxpylayers.torch import CvxpyLayer

import models

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
torch.set_num_threads(2)

SOLVERS = {
    "diffcp": dict(solver="DIFFCP", solver_args=dict(solve_method="Clarabel", mode="dense", tol_feas=1e-11, tol_gap_abs=1e-11, tol_gap_rel=1e-11)),
    "moreau": dict(solver="MOREAU"),
}
# diffcp takes the rows of semidefinite cones in another order than Clarabel gives
# them; for models with such cones SCS solves instead.
SCS = dict(solver="DIFFCP", solver_args=dict(solve_method="SCS", mode="dense", eps=1e-10, max_iters=200000))
SEMIDEFINITE = {"psd-projection", "lambda-max", "max-cut", "log-det", "matrix-frac", "nuclear-norm", "spectral-norm"}


def build_ours(folder):
    exe = os.path.join(folder, "cvx")
    subprocess.run(["go", "build", "-o", exe, "./bench/cvx"], cwd=ROOT, check=True)
    return exe


def ours(exe, folder, name, arrays, *flags):
    src, dst = os.path.join(folder, "in.npz"), os.path.join(folder, "out.npz")
    np.savez(src, **{k: np.ascontiguousarray(v, dtype=float) for k, v in arrays.items()})
    cmd = [exe, "-models", os.path.join(HERE, "models.json"), "-name", name, "-data", src, "-out", dst, *flags]
    done = subprocess.run(cmd, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return json.loads(done.stdout), dict(np.load(dst))


def values_of(d, arrays, batch):
    """Optimal values by CVXPY and Clarabel, one element at a time."""
    problem, params, _ = models.build(d)
    found = []
    for i in range(batch):
        for p, leaf in zip(params, d["params"]):
            x = arrays[leaf["name"]]
            p.value = x if leaf.get("shared") else x[i]
        problem.solve(solver="CLARABEL", gp=d.get("gp", False), tol_feas=1e-10, tol_gap_abs=1e-10, tol_gap_rel=1e-10)
        found.append(problem.value)
    return np.array(found)


class Peer:
    def __init__(self, d, solver=None, solver_args=None):
        problem, params, variables = models.build(d)
        kw = {} if solver is None else dict(solver=solver)
        self.layer = CvxpyLayer(problem, parameters=params, variables=variables, gp=d.get("gp", False), solver_args=solver_args, **kw)
        self.d = d

    def load(self, arrays):
        self.params = [torch.tensor(np.asarray(arrays[p["name"]], dtype=float), requires_grad=True) for p in self.d["params"]]
        self.weights = [torch.tensor(np.asarray(arrays["w_" + v["name"]])) for v in self.d["vars"]]

    def step(self):
        for p in self.params:
            p.grad = None
        out = self.layer(*self.params)
        loss = sum((x.reshape(w.shape) * w).sum() for x, w in zip(out, self.weights))
        loss.backward()

    def gradients(self):
        self.step()
        grads = {}
        for p, leaf in zip(self.params, self.d["params"]):
            g = np.zeros(tuple(p.shape)) if p.grad is None else p.grad.numpy()
            if leaf.get("psd") or leaf.get("symmetric"):  # one triangle carries both halves there
                g = (g + np.swapaxes(g, -1, -2)) / 2
            grads[leaf["name"]] = g
        return grads


def distance(a, b):
    return max((np.max(np.abs(a[k].ravel() - b[k].ravel())) / (1 + np.max(np.abs(b[k]))) for k in b), default=0.0)


def check_values(exe, folder, descriptions):
    print(f"{'model':28} {'method':6} {'value':>9} {'diffcp':>9} {'moreau':>9} {'referee':>9} {'theirs':>9}  notes")
    good = dict(value=0, gradient=0)
    for name, d in descriptions.items():
        batch = 3
        arrays = models.data(d, batch)
        try:
            report, got = ours(exe, folder, name, arrays, "-seconds", "0", "-difference")
        except RuntimeError as e:
            print(f"{name:28} FAILED {e}")
            continue
        mine = {p["name"]: got["grad_" + p["name"]] for p in d["params"]}
        line, notes = [], []
        try:
            want = values_of(d, arrays, batch)
            gap = np.max(np.abs(got["value"] - want) / (1 + np.abs(want)))
        except Exception as e:
            gap = np.nan
            notes.append("cvxpy: " + type(e).__name__)
        gaps = {}
        directional = {}
        for peer, kw in SOLVERS.items():
            if peer == "diffcp" and name in SEMIDEFINITE:
                kw = SCS
            try:
                p = Peer(d, **kw)
                p.load(arrays)
                g = p.gradients()
                gaps[peer] = distance(mine, g)
                directional[peer] = sum((g[k].ravel() * arrays["d_" + k].ravel()).sum() for k in g)
            except Exception as e:
                gaps[peer] = np.nan
                notes.append(f"{peer}: {type(e).__name__}: {str(e).splitlines()[0][:60]}")
        mine_along = sum((mine[k] * arrays["d_" + k].ravel()).sum() for k in mine)
        ref = got["difference"][0]
        referee = abs(mine_along - ref) / (1 + abs(ref))
        theirs = max((abs(v - ref) / (1 + abs(ref)) for v in directional.values()), default=np.nan)
        best = min((v for v in gaps.values() if not np.isnan(v)), default=np.nan)
        good["value"] += gap <= 1e-6
        good["gradient"] += best <= 1e-5
        if report["statuses"] != {"Solved": batch}:
            notes.append(str(report["statuses"]))
        if not report["unique"]:
            notes.append("not unique")
        print(f"{name:28} {report['method'].split()[0]:6} {gap:9.1e} {gaps['diffcp']:9.1e} {gaps['moreau']:9.1e} {referee:9.1e} {theirs:9.1e}  {'; '.join(notes)}", flush=True)
    print(f"{len(descriptions)} models; values within 1e-6: {good['value']}; gradients within 1e-5 of a peer: {good['gradient']}")


def timed(peer, seconds):
    peer.step()
    times, start = [], time.perf_counter()
    while len(times) < 2 or time.perf_counter() - start < seconds:
        t = time.perf_counter()
        peer.step()
        times.append((time.perf_counter() - t) * 1e3)
        if times[-1] > 2e3:
            break
    return float(np.median(times))


def check_times(exe, folder, descriptions, batches, seconds, peers):
    print(f"{'model':28} {'batch':>5} {'ours ms':>9} {'default':>9} {'moreau':>9} {'x default':>9} {'x moreau':>9}  method")
    ratios = dict(default=[], moreau=[])
    for name, d in descriptions.items():
        for batch in batches:
            arrays = models.data(d, batch)
            report, _ = ours(exe, folder, name, arrays, "-seconds", str(seconds))
            row = dict(default=np.nan, moreau=np.nan)
            for peer, kw in (("default", {}), ("moreau", dict(solver="MOREAU"))):
                if peer not in peers:
                    continue
                try:
                    p = Peer(d, **kw)
                    p.load(arrays)
                    row[peer] = timed(p, seconds)
                except Exception as e:
                    row[peer] = np.nan
            again, _ = ours(exe, folder, name, arrays, "-seconds", str(seconds))
            mine = (report["both_ms"] + again["both_ms"]) / 2
            x = {k: v / mine for k, v in row.items()}
            for k in ratios:
                if not np.isnan(x[k]):
                    ratios[k].append((x[k], name, batch))
            print(f"{name:28} {batch:5} {mine:9.3f} {row['default']:9.1f} {row['moreau']:9.2f} {x['default']:9.1f} {x['moreau']:9.1f}  {report['method'].split()[0]}", flush=True)
    for k, v in ratios.items():
        v.sort()
        if v:
            print(f"{k}: smallest {v[0][0]:.1f} ({v[0][1]}, batch {v[0][2]}), median {v[len(v) // 2][0]:.1f}, largest {v[-1][0]:.1f}")


def check_compile(folder):
    """The models of BenchmarkCompile in package cvx."""
    import scipy.sparse as sp

    rng = np.random.default_rng(1)
    rows, cols, per = 10000, 5000, 10
    a = sp.csc_matrix((rng.standard_normal(rows * per), (np.repeat(np.arange(rows), per), rng.integers(0, cols, rows * per))), shape=(rows, cols))

    def sparse_lasso():
        x, b, lam = cp.Variable(cols), cp.Parameter(rows), cp.Parameter(nonneg=True)
        return cp.Problem(cp.Minimize(cp.sum_squares(a @ x - b) + lam * cp.norm1(x)), [x <= 1]), [b, lam], [x]

    def dense_parameter():
        x, f, g = cp.Variable(250, nonneg=True), cp.Parameter((400, 250)), cp.Parameter(400)
        return cp.Problem(cp.Minimize(cp.norm(f @ x - g, 2) + cp.norm1(x))), [f, g], [x]

    out = subprocess.run(["go", "test", "./cvx", "-run", "^$", "-bench", "Compile"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    mine = {line.split("/")[1]: float(line.split()[2]) / 1e6 for line in out.splitlines() if line.startswith("BenchmarkCompile/")}
    print(f"{'model':20} {'ours ms':>9} {'cvxpy ms':>9} {'ratio':>7}")
    for name, make in (("sparse-lasso", sparse_lasso), ("dense-parameter", dense_parameter)):
        best = np.inf
        for _ in range(3):
            problem, params, variables = make()
            t = time.perf_counter()
            problem.get_problem_data(cp.CLARABEL, enforce_dpp=True, ignore_dpp=False) if all(p.value is not None for p in params) else CvxpyLayer(problem, parameters=params, variables=variables)
            best = min(best, (time.perf_counter() - t) * 1e3)
        print(f"{name:20} {mine[name]:9.1f} {best:9.1f} {best / mine[name]:7.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["values", "times", "compile"])
    parser.add_argument("--models", default="")
    parser.add_argument("--batches", default="1,64,512")
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--peers", default="default,moreau", help="times: whom to run")
    args = parser.parse_args()
    every = models.read(os.path.join(HERE, "models.json"))
    names = [n for n in args.models.split(",") if n]
    chosen = {n: every[n] for n in names} if names else {n: d for n, d in every.items() if args.what == "values" or d.get("timed")}
    print("optnet beside cvxpylayers", __import__("importlib.metadata").metadata.version("cvxpylayers"), "cvxpy", cp.__version__, "on", os.cpu_count(), "processors,", time.strftime("%Y-%m-%d"))
    with tempfile.TemporaryDirectory() as folder:
        if args.what == "compile":
            return check_compile(folder)
        exe = build_ours(folder)
        if args.what == "values":
            check_values(exe, folder, chosen)
        else:
            check_times(exe, folder, chosen, [int(b) for b in args.batches.split(",")], args.seconds, args.peers.split(","))


if __name__ == "__main__":
    sys.exit(main())
