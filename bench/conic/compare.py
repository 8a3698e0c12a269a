"""Cone programs side by side: this module, Clarabel and diffcp.

    python compare.py solve FILES...      status, residuals and time beside Clarabel
    python compare.py batch FILES...      a batch of 64 beside 64 solves of Clarabel
    python compare.py gradient            VJP beside diffcp's, on generated programs

Both sides get the same arrays and one thread; times are the least of a few runs, of
set-up and solve together. One numpy function checks every answer. With --bin the
program of main.go, built.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time

for var in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(var, "1")

import numpy as np
import scipy.sparse as sp


class Ours:
    def __init__(self, binary):
        env = dict(os.environ, GOMAXPROCS="1")
        self.proc = subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)

    def ask(self, **request):
        self.proc.stdin.write(json.dumps(request).encode() + b"\n")
        self.proc.stdin.flush()
        reply = json.loads(self.proc.stdout.readline())
        if reply.get("error"):
            raise RuntimeError(reply["error"])
        return reply


class Problem:
    """The JSON form of a conic.Problem."""

    def __init__(self, path):
        with open(path) as f:
            d = json.load(f)
        self.n, self.m = len(d["q"]), len(d["b"])
        self.q, self.b = np.array(d["q"]), np.array(d["b"])

        def matrix(t, rows, cols):
            t = np.array(t).reshape(-1, 3)
            return sp.csc_matrix((t[:, 2], (t[:, 0].astype(int), t[:, 1].astype(int))), (rows, cols))

        self.P = matrix(d.get("P", []), self.n, self.n)
        self.A = matrix(d["A"], self.m, self.n)
        self.cones = d["cones"]

    def blocks(self):
        at = 0
        for c in self.cones:
            size = c.get("size", 0)
            rows = {"psd": size * (size + 1) // 2, "exp": 3, "power": 3}.get(c["kind"], size)
            if c["kind"] == "genpower":
                rows += len(c["alpha"])
            yield c, slice(at, at + rows)
            at += rows


def distance(kind, c, v, dual):
    """About how far v is outside the cone or its dual."""
    if kind == "zero":
        return 0.0 if dual else np.abs(v).max(initial=0)
    if kind == "nonneg":
        return max(0.0, -v.min(initial=0))
    if kind == "soc":
        return max(0.0, np.linalg.norm(v[1:]) - v[0])
    if kind == "psd":
        k = c["size"]
        X = np.zeros((k, k))
        rows, cols = np.triu_indices(k)
        order = np.lexsort((rows, cols))
        rows, cols = rows[order], cols[order]
        X[rows, cols] = X[cols, rows] = np.where(rows == cols, v, v / math.sqrt(2))
        return max(0.0, -np.linalg.eigvalsh(X)[0])
    if kind == "exp":
        x, y, z = (v[0] - v[1], -v[0], v[2]) if dual else v
        if y <= 0:
            return max(-y, x if y == 0 else 0.0, -z)
        # along z, or along x: whichever is nearer
        return max(0.0, min(y * math.exp(min(x / y, 700)) - z, x - y * math.log(z / y) if z > 0 else math.inf))
    alpha = np.array([c["alpha"], 1 - c["alpha"]] if kind == "power" else c["alpha"])
    u, w = v[: len(alpha)], np.linalg.norm(v[len(alpha):])
    u = np.maximum(u / alpha if dual else u, 0)
    return max(0.0, -v[: len(alpha)].min(), w - np.prod(u**alpha))


def check(p, x, z, s):
    """Residuals over 1 + the largest term: primal, dual, gap, cones."""
    P = p.P + sp.triu(p.P, 1).T
    Ax, Aty, Px = p.A @ x, p.A.T @ z, P @ x
    big = lambda *v: 1 + max(np.abs(a).max(initial=0) for a in v)
    primal = np.abs(Ax + s - p.b).max(initial=0) / big(Ax, s, p.b)
    dual = np.abs(Px + p.q + Aty).max(initial=0) / big(Px, p.q, Aty)
    xpx, qx, bz = x @ Px, p.q @ x, p.b @ z
    gap = abs(xpx + qx + bz) / (1 + max(abs(xpx / 2 + qx), abs(xpx / 2 + bz)))
    cone = 0.0
    for c, rows in p.blocks():
        cone = max(cone, distance(c["kind"], c, s[rows], False) / big(s), distance(c["kind"], c, z[rows], True) / big(z))
    return [primal, dual, gap, cone], xpx / 2 + qx


def clarabel_solve(p, repeat):
    import clarabel as cl

    cones = []
    for c in p.cones:
        k, size = c["kind"], c.get("size", 0)
        cones.append({"zero": lambda: cl.ZeroConeT(size), "nonneg": lambda: cl.NonnegativeConeT(size), "soc": lambda: cl.SecondOrderConeT(size),
                      "psd": lambda: cl.PSDTriangleConeT(size), "exp": cl.ExponentialConeT, "power": lambda: cl.PowerConeT(c["alpha"]),
                      "genpower": lambda: cl.GenPowerConeT(c["alpha"], size)}[k]())
    opt = cl.DefaultSettings()
    opt.verbose = False
    if hasattr(opt, "max_threads"):
        opt.max_threads = 1
    best = math.inf
    for _ in range(repeat):
        start = time.perf_counter()
        sol = cl.DefaultSolver(p.P, p.q, p.A, p.b, cones, opt).solve()
        best = min(best, time.perf_counter() - start)
    return sol, best


def geomean(v):
    v = [a for a in v if a > 0 and math.isfinite(a)]
    return math.exp(sum(map(math.log, v)) / len(v)) if v else math.nan


def machine():
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "?")
    import clarabel
    return f"# cpu: {cpu}; one thread; clarabel {clarabel.__version__}"


def solve(args, ours):
    print(machine())
    print(f"{'name':24}{'n':>7}{'m':>8}  {'status':17}{'iter':>5}{'worst':>9}{'seconds':>10}  {'clarabel':17}{'iter':>5}{'worst':>9}{'seconds':>10}{'ratio':>7}  objective")
    ratios = []
    with tempfile.TemporaryDirectory() as tmp:
        for path in args.files:
            name = os.path.basename(path).split(".")[0]
            js = os.path.join(tmp, name + ".json")
            ours.ask(file=path, problem=js, solve=False)
            p = Problem(js)
            mine = ours.ask(file=path, repeat=args.repeat)
            sol, seconds = clarabel_solve(p, args.repeat)
            worst = [math.nan, math.nan]
            objective = math.nan
            if mine.get("x"):
                r, objective = check(p, *(np.array(mine[k]) for k in "xzs"))
                worst[0] = max(r)
            if str(sol.status) in ("Solved", "AlmostSolved"):
                worst[1] = max(check(p, np.array(sol.x), np.array(sol.z), np.array(sol.s))[0])
            ratio = mine["seconds"] / seconds
            if mine["status"] in ("Solved", "PrimalInfeasible", "DualInfeasible"):
                ratios.append(ratio)
            print(f"{name:24}{p.n:7}{p.m:8}  {mine['status']:17}{mine['iterations']:5}{worst[0]:9.1e}{mine['seconds']:10.4f}  "
                  f"{str(sol.status):17}{sol.iterations:5}{worst[1]:9.1e}{seconds:10.4f}{ratio:7.2f}  {objective:.9g}", flush=True)
            os.remove(js)
    print(f"# geometric mean of ours/clarabel over {len(ratios)} problems: {geomean(ratios):.2f}")


def batch(args, ours):
    print(machine())
    print(f"{'name':24}  {'status':17}{'ours, 64':>12}{'clarabel, 64':>14}{'ratio':>7}")
    ratios = []
    with tempfile.TemporaryDirectory() as tmp:
        for path in args.files:
            name = os.path.basename(path).split(".")[0]
            js = os.path.join(tmp, "p.json")
            ours.ask(file=path, problem=js, solve=False)
            mine = ours.ask(file=path, copies=64, repeat=args.repeat)
            seconds = clarabel_solve(Problem(js), 10 * args.repeat)[1]
            ratios.append(mine["seconds"] / (64 * seconds))
            print(f"{name:24}  {mine['status']:17}{mine['seconds']:12.4f}{64 * seconds:14.4f}{ratios[-1]:7.2f}", flush=True)
    print(f"# geometric mean of ours/clarabel over {len(ratios)} problems: {geomean(ratios):.2f}")


def programs(rng):
    """Generated programs with P = 0, as diffcp wants them, in its order of cones. As many
    constraints are active as make the solution unique and differentiable."""

    def known(name, n, cones, density, active=0):
        m = sum({"psd": c.get("size", 0) * (c.get("size", 0) + 1) // 2, "exp": 3}.get(c["kind"], c.get("size", 0)) for c in cones)
        A = sp.random(m, n, density, random_state=rng, data_rvs=rng.standard_normal).tolil()
        for i in range(max(m, n)):
            A[i % m, i % n] = rng.standard_normal()
        s, z = np.zeros(m), np.zeros(m)
        at = 0
        for c in cones:
            k, size = c["kind"], c.get("size", 0)
            if k == "zero":
                z[at:at + size] = rng.standard_normal(size)
                at += size
            elif k == "nonneg":
                v = rng.uniform(0.5, 2, size) * np.where(np.arange(size) < active, -1, 1)
                s[at:at + size], z[at:at + size] = np.maximum(v, 0), np.maximum(-v, 0)
                at += size
            elif k == "soc":
                u = rng.standard_normal(size - 1)
                u /= np.linalg.norm(u)
                a, b = rng.uniform(0.5, 2, 2)
                s[at:at + size], z[at:at + size] = a * np.r_[1, u], b * np.r_[1, -u]
                at += size
            elif k == "psd":
                Q, _ = np.linalg.qr(rng.standard_normal((size, size)))
                lam = rng.uniform(0.5, 2, size) * np.where(np.arange(size) < int(0.3 * size), 1, -1)
                rows, cols = np.triu_indices(size)
                order = np.lexsort((rows, cols))
                rows, cols = rows[order], cols[order]
                f = np.where(rows == cols, 1, math.sqrt(2))
                end = at + len(rows)
                s[at:end] = (Q @ np.diag(np.maximum(lam, 0)) @ Q.T)[rows, cols] * f
                z[at:end] = (Q @ np.diag(np.maximum(-lam, 0)) @ Q.T)[rows, cols] * f
                at = end
            else:
                r, a, b = rng.uniform(-1, 1), *rng.uniform(0.5, 2, 2)
                s[at:at + 3] = a * np.array([r, 1, math.exp(r)])
                z[at:at + 3] = b * np.array([-math.exp(r), (r - 1) * math.exp(r), 1])
                at += 3
        A = sp.csc_matrix(A)
        x = rng.standard_normal(n)
        return name, dict(n=n, P=[], q=list(-(A.T @ z)), b=list(A @ x + s), cones=cones, A=A)

    zero, nonneg, soc = (lambda k, kind=kind: dict(kind=kind, size=k) for kind in ("zero", "nonneg", "soc"))
    psd = lambda k: dict(kind="psd", size=k)
    for n in (20, 100, 400):
        yield known(f"lp n={n}", n, [zero(n // 4), nonneg(2 * n)], min(1, 10 / n), active=n - n // 4)
        yield known(f"socp n={n}", n, [zero(n // 10), nonneg(n)] + [soc(10)] * (n // 10), min(1, 10 / n), active=n // 5)
    for k, n in ((5, 14), (10, 40), (20, 150)):
        yield known(f"sdp order={k}", n, [zero(2), psd(k)], 0.3)
    for n in (10, 40, 160):
        yield known(f"exp n={n}", n, [zero(n // 10), nonneg(n // 2)] + [dict(kind="exp")] * (6 * n // 10), min(1, 5 / n), active=n // 10)


def gradient(args, ours):
    import diffcp

    print(machine().replace("; one", f"; diffcp {diffcp.__version__}; one"))
    print("# error: of the loss's change along one random direction of q, A and b, against central differences of Clarabel at 1e-11")
    print(f"{'program':16}{'n':>5}{'m':>6}{'backward':>11}{'again':>10}{'error':>9}  {'diffcp':>8}{'backward':>11}{'error':>9}{'ratio':>8}")
    rng = np.random.default_rng(0)
    ratios = []
    with tempfile.TemporaryDirectory() as tmp:
        for name, d in programs(rng):
            A = d["A"]
            coo = A.tocoo()
            js = os.path.join(tmp, "p.json")
            with open(js, "w") as f:
                json.dump(dict(d, A=[[int(i), int(j), v] for i, j, v in zip(coo.row, coo.col, coo.data)]), f)
            up = rng.standard_normal(d["n"])
            mine = ours.ask(file=js, up=list(up), repeat=args.repeat)
            q, b = np.array(d["q"]), np.array(d["b"])
            dq, db = rng.standard_normal(len(q)), rng.standard_normal(len(b))
            dA = sp.csc_matrix((rng.standard_normal(A.nnz), A.indices, A.indptr), A.shape)

            def loss(h):
                import clarabel as cl
                p = Problem(js)
                p.q, p.b, p.A = q + h * dq, b + h * db, sp.csc_matrix((A.data + h * dA.data, A.indices, A.indptr), A.shape)
                cones = [{"zero": cl.ZeroConeT, "nonneg": cl.NonnegativeConeT, "soc": cl.SecondOrderConeT, "psd": cl.PSDTriangleConeT}[c["kind"]](c["size"])
                         if c["kind"] != "exp" else cl.ExponentialConeT() for c in d["cones"]]
                opt = cl.DefaultSettings()
                opt.verbose = False
                opt.tol_gap_abs = opt.tol_gap_rel = opt.tol_feas = 1e-11
                return up @ np.array(cl.DefaultSolver(p.P, p.q, p.A, p.b, cones, opt).solve().x)

            # The quotient of the step that differs least from the next.
            steps = [1e-3 * 4.0**-k for k in range(7)]
            quotients = [(loss(h) - loss(-h)) / (2 * h) for h in steps]
            change = [abs(a - b) for a, b in zip(quotients, quotients[1:])]
            fd = quotients[1 + int(np.argmin(change))]
            got = np.array(mine["dq"]) @ dq + np.array(mine["db"]) @ db + np.array(mine["da"]) @ dA.data
            error = abs(got - fd) / (1 + abs(fd))

            # diffcp: SCS's order of cones and of a matrix's entries (lower triangle by columns).
            perm, at = [], 0
            for c in d["cones"]:
                k = c.get("size", 3)
                if c["kind"] != "psd":
                    perm += range(at, at + k)
                    at += k
                    continue
                place = lambda i, j: at + j * (j + 1) // 2 + i
                perm += [place(j, i) for j in range(k) for i in range(j, k)]
                at += k * (k + 1) // 2
            sizes = lambda kind: [c["size"] for c in d["cones"] if c["kind"] == kind]
            K = {"z": sum(sizes("zero")), "l": sum(sizes("nonneg")), "q": sizes("soc"), "s": sizes("psd"), "ep": sum(c["kind"] == "exp" for c in d["cones"])}
            Ap, bp = A[perm], b[perm]
            # diffcp 1.1.9 hands matrices to Clarabel in SCS's order: wrong answers.
            how = dict(solve_method="SCS", eps=1e-10) if K["s"] else dict(solve_method="CLARABEL")
            best = None
            for mode in ("lsqr", "lsmr", "dense"):
                if mode == "dense" and len(d["b"]) + d["n"] > 1500:
                    continue
                seconds = math.inf
                try:
                    for _ in range(args.repeat):
                        x, y, s, D, DT = diffcp.solve_and_derivative(sp.csc_matrix(Ap), bp, q, K, mode=mode, verbose=False, **how)
                        start = time.perf_counter()
                        gA, gb, gq = DT(up, np.zeros_like(y), np.zeros_like(s))
                        seconds = min(seconds, time.perf_counter() - start)
                except Exception as e:  # a mode that fails is not counted
                    print(f"# {name}: diffcp {mode}: {e}", file=sys.stderr)
                    continue
                value = gq @ dq + gb @ db[perm] + gA.multiply(dA[perm]).sum()
                err = abs(value - fd) / (1 + abs(fd))
                # the fastest of those that are about as accurate as the best one
                if best is None or (err < 1e-4 or err < 2 * best[2]) and (seconds < best[1] or best[2] > 1e-4 and err < best[2] / 2):
                    best = (mode, seconds, err)
            ratio = best[1] / mine["backward"] if best and mine.get("x") else math.nan
            ratios.append(ratio)
            print(f"{name:16}{d['n']:5}{len(d['b']):6}{mine['backward']:11.6f}{mine['repeated']:10.6f}{error:9.1e}  {best[0]:>8}{best[1]:11.6f}{best[2]:9.1e}{ratio:8.1f}", flush=True)
            if "unique true" not in mine["certificate"]:
                print(f"# {name}: {mine['status']}; {mine['certificate']}")
    print(f"# geometric mean of diffcp/ours over {sum(map(math.isfinite, ratios))} programs: {geomean(ratios):.1f}")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("what", choices=["solve", "batch", "gradient"])
    ap.add_argument("files", nargs="*")
    ap.add_argument("--bin", default="./conic")
    ap.add_argument("--repeat", type=int, default=3)
    args = ap.parse_intermixed_args()
    {"solve": solve, "batch": batch, "gradient": gradient}[args.what](args, Ours(args.bin))


if __name__ == "__main__":
    main()
