"""Runs the comparison: our program and every peer, one process each, in turns on
the same problems. make bench-peers calls it; see README.md.

    python compare.py --optnet PROGRAM --problems DIR --out DIR [--peers a,b] [--sizes 10,50] [--batches 1,128]
                      [--families optnet,sudoku,scqpth] [--quick] [--minutes 40] [--cap 20] [--name NAME] [--resume]

Only one process works at a time, the others wait for their next request. Ours runs
before and after every peer, so that noise of the machine shows in our own times.
Results are written after every case; --resume goes on where the last run of that
name ended, with the cases that it did not come to.
"""

import argparse
import datetime
import json
import os
import platform
import queue
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np

import check
import report
from peers.common import Case

PEERS = ["qpth", "qplayer", "proxqp", "piqp", "hpipm", "daqp", "moreau", "moreau_ipm", "clarabel", "osqp", "qpax", "diffcp",
         "cvxpylayers", "cvxpylayers_clarabel", "cvxpylayers_moreau"]
GROWTH = 2.5  # a guess at the exponent of time in n: less than 3, not to skip what would fit
GRADIENTS_OF = 8  # elements whose gradients are compared


class Worker:
    """A process that answers requests, started when first asked and restarted
    when it had to be killed."""

    def __init__(self, name, command, threads, log):
        self.name, self.command, self.log = name, command, log
        # Settings of the environment that would slow a BLAS down, or speed
        # nothing up, do not reach the peers; the number of threads does.
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS_", "OMP_", "MKL_", "XLA_", "BLIS_"))}
        for k in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "GOMAXPROCS", "NPROC"):
            self.env[k] = str(threads)
        if name == "qpax":
            # Its batches are of small factorizations: threads inside each only fight.
            self.env["OPENBLAS_NUM_THREADS"] = "1"
        self.process = None

    def ask(self, request, limit):
        if self.process is None:
            self.process = subprocess.Popen(self.command, env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
                                            text=True, cwd=os.path.dirname(os.path.abspath(__file__)))
            self.lines = queue.Queue()
            threading.Thread(target=self._read, args=(self.process, self.lines), daemon=True).start()
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.lines.get(timeout=limit)
        except (queue.Empty, BrokenPipeError) as e:
            self.stop()
            return {"error": "too slow" if isinstance(e, queue.Empty) else "its process ended"}
        if not line:
            self.stop()
            return {"error": "its process ended"}
        reply = json.loads(line)
        for k in ("error", "backward_error", "version", "setting"):
            if reply.get(k):  # results name no paths
                reply[k] = re.sub(r"(/[\w.+-]+){2,}", "...", reply[k])
        return reply

    @staticmethod
    def _read(process, lines):
        for line in process.stdout:
            lines.put(line)
        lines.put("")

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def cases(problems, args):
    """(problem, batch, eps) in the order of what matters most, so that a run that
    ends early has it: p = n/2 at batch 128, mini-Sudoku, the other batches, the
    other p, SCQPTH's experiment."""
    out = []
    for p in problems:
        if p["family"] not in args.families or (args.sizes and p["family"] != "sudoku" and p["n"] not in args.sizes):
            continue
        full = p["family"] == "optnet" and p["p"] == p["n"] // 2
        if p["family"] == "scqpth":
            runs = [(p["size"], 1e-3, 4), (p["size"], 1e-8, 4)]
        elif p["family"] == "sudoku":
            runs = [(p["size"], 1e-8, 1)]
        elif full:
            runs = [(b, 1e-8, 0 if b == min(128, p["size"]) else 2) for b in (1, 16, 128, 1024) if b <= p["size"]]
        else:
            runs = [(min(128, p["size"]), 1e-8, 3)]
        for batch, eps, rank in runs:
            if args.batches and p["family"] == "optnet" and batch not in args.batches and not (batch == p["size"] < 128 and 128 in args.batches):
                continue
            if args.quick and (rank > 2 or p["n"] > 50 and batch > 16 or p["n"] > 100 or batch > 128):
                continue
            out.append((rank, p["n"], p["family"], p["p"], batch, eps, p))
    return [(p, batch, eps) for *_, batch, eps, p in sorted(out, key=lambda c: c[:6])]


def excess_of(case, arrays, eps):
    worst = check.excess(case, arrays["z"], arrays.get("nu"), arrays.get("lam"), arrays.get("mu"), eps)
    return float(worst.max()), int((worst > 1).sum())


def load(path):
    if not os.path.exists(path):
        return None
    with np.load(path) as f:
        return {k: f[k] for k in f.files}


def flat(x):
    """The headline figure: the smaller of wall and own clock."""
    return {k: min(v for v in (x.get(k), x.get(k + "_native")) if v is not None) for k in ("forward", "backward", "both") if x.get(k) is not None}


def machine(threads):
    info = {"cores": f"{threads} of {os.cpu_count()}", "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}"}
    try:
        with open("/proc/cpuinfo") as f:
            lines = dict(line.split(":", 1) for line in f.read().split("\n\n")[0].splitlines() if ":" in line)
        lines = {k.strip(): v.strip() for k, v in lines.items()}
        info["cpu"] = f"{lines.get('model name', platform.processor())}, family {lines.get('cpu family')}, model {lines.get('model')}"
        info["kernels"] = " ".join(x for x in ("avx2", "fma", "avx512f", "avx512vl", "avx512bw") if x in lines.get("flags", "").split()) or "none listed"
    except OSError:
        info["cpu"], info["kernels"] = platform.processor() or platform.machine(), "not known"
    return info


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--optnet", required=True)
    ap.add_argument("--problems", required=True)
    ap.add_argument("--out", required=True)
    ap.add_argument("--name", default=datetime.date.today().isoformat())
    ap.add_argument("--peers", default="")
    ap.add_argument("--sizes", default="")
    ap.add_argument("--batches", default="")
    ap.add_argument("--families", default="optnet,sudoku,scqpth")
    ap.add_argument("--quick", action="store_true")
    ap.add_argument("--resume", action="store_true")
    ap.add_argument("--minutes", type=float, default=40)
    ap.add_argument("--cap", type=float, default=20)
    ap.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    args = ap.parse_args()
    args.sizes = [int(x) for x in args.sizes.split(",") if x]
    args.batches = [int(x) for x in args.batches.split(",") if x]
    args.families = args.families.split(",")
    names = [x for x in args.peers.split(",") if x] or PEERS
    unknown = sorted(set(names) - set(PEERS))
    if unknown:
        sys.exit(f"no peer is named {', '.join(unknown)}: there are {', '.join(PEERS)}")
    if args.quick:
        args.cap, args.minutes = min(args.cap, 4), min(args.minutes, 3)
    cap, start = args.cap, time.monotonic()
    deadline = start + 60 * args.minutes

    with open(os.path.join(args.problems, "problems.json")) as f:
        todo = cases(json.load(f), args)
    if not todo:
        sys.exit("no case is left: see --sizes, --batches and --families")
    os.makedirs(args.out, exist_ok=True)
    scratch = tempfile.TemporaryDirectory()
    log = open(os.path.join(scratch.name, "log"), "w")
    ours = Worker("optnet", [os.path.abspath(args.optnet), "serve"], args.threads, log)
    peers = [Worker(n, [sys.executable, "-W", "ignore", "-m", "peers.worker", n], args.threads, log) for n in names]

    about, running = {}, []
    for w in [ours] + peers:
        a = w.ask({"op": "about"}, 120)
        about[w.name] = a
        print(f"{w.name}: {a.get('version') or a.get('error')}", flush=True)
        if "error" not in a:
            running.append(w)
    if ours not in running:
        sys.exit("our own program does not run")
    running.remove(ours)

    header = {**machine(args.threads), "date": datetime.date.today().isoformat(), "threads": args.threads, "about": about,
              "cap": cap, "quick": args.quick, "seconds": 0}
    base_out = os.path.join(args.out, args.name)
    rows, spent, before = [], {}, 0
    if args.resume and os.path.exists(base_out + ".jsonl"):
        old, rows = report.read(base_out + ".jsonl")
        for k in ("cpu", "kernels", "cores", "system", "threads", "quick", "about"):
            if old[k] != header[k]:
                sys.exit(f"{base_out}.jsonl cannot be resumed: its {k} is {old[k]!r}, now {header[k]!r}")
        header["date"], before = old["date"], old["seconds"]
        rows = [r for r in rows if not r.get("error", "").startswith("not run")]
        done = {(r["problem"], r["batch"], r["eps"]) for r in rows}
        todo = [(p, batch, eps) for p, batch, eps in todo if (p["name"], batch, eps) not in done]
        for r in rows:
            if r["solver"] != "optnet":
                remember(spent, r)
        print(f"{len(done)} cases are there, {len(todo)} are left", flush=True)
    path_ours, path_peer = (os.path.join(scratch.name, n) for n in ("ours.npz", "peer.npz"))

    def request(p, batch, eps, out, share):
        seconds = 0.1 if args.quick else 0.3
        return {"op": "run", "file": os.path.abspath(os.path.join(args.problems, p["name"] + ".npz")), "batch": batch, "eps": eps,
                "threads": args.threads, "seconds": seconds * share, "reps": 5, "enough": seconds / 3 * share, "cap": cap, "out": out,
                "grads": GRADIENTS_OF, "backward": True}

    for number, (p, batch, eps) in enumerate(todo):
        title = f"{p['name']} batch {batch} eps {eps:g}"
        base = {"problem": p["name"], "family": p["family"], "n": p["n"], "m": p["m"], "p": p["p"], "batch": batch, "eps": eps}
        if time.monotonic() > deadline:
            rows.append({**base, "solver": "optnet", "error": "not run: out of time"})
            print(f"[{number + 1}/{len(todo)}] {title}: not run, out of time", flush=True)
            continue
        print(f"[{number + 1}/{len(todo)}] {title}, {time.monotonic() - start:.0f} s", flush=True)
        with np.load(os.path.join(args.problems, p["name"] + ".npz")) as f:
            case = Case({k: f[k] for k in f.files}, batch)
        first = ours.ask(request(p, batch, eps, path_ours, 1), 600)
        if "error" in first:
            rows.append({**base, "solver": "optnet", **first})
            print(f"  optnet: {first['error']}", flush=True)
            continue
        arrays_ours = load(path_ours)
        turns, theirs = [first], []
        for w in running:
            row = {**base, "solver": w.name}
            theirs.append(row)
            # Skipped by what the next smaller batch of the same problems took, or
            # the next smaller size. A case takes about three calls.
            guess = spent.get((w.name, p["family"], eps, p["n"], batch_before(spent, w.name, p, eps, batch)))
            if guess is not None and guess[0] * batch / guess[1] > cap / 3:
                row["error"] = "too slow"
                continue
            smaller = [k[3] for k in spent if k[0] == w.name and k[1] == p["family"] and k[3] < p["n"]]
            if guess is None and smaller:
                ref = [v for k, v in spent.items() if k[0] == w.name and k[1] == p["family"] and k[3] == max(smaller)]
                t, b = max(ref, key=lambda v: v[1])
                if t / b * batch * (p["n"] / max(smaller)) ** GROWTH > cap / 3:
                    row["error"] = "too slow"
                    continue
            if os.path.exists(path_peer):
                os.remove(path_peer)
            r = w.ask(request(p, batch, eps, path_peer, 1), 3 * cap + 30)
            row.update(r)
            remember(spent, row)
            if "error" not in r:
                arrays = load(path_peer)
                row["excess"], row["failed"] = excess_of(case, arrays, eps)
                # Sparse interfaces have no gradient where an entry is always zero.
                shared = arrays if p["family"] == "optnet" else {k: v for k, v in arrays.items() if k == "dp"}
                row["gradient"] = check.gradient_difference(arrays_ours, shared)
                row.update({"best_" + k: v for k, v in flat(r).items()})
            turns.append(ours.ask(request(p, batch, eps, "", 0.3), 600))
            print("  " + report.line(row), flush=True)
        turns = [t for t in turns if "error" not in t]
        mine = {**base, "solver": "optnet", "setting": first.get("setting"), "turns": len(turns)}
        for k in ("forward", "backward", "both"):
            values = [t[k] for t in turns]
            mine[k] = mine["best_" + k] = statistics.median(values)
            mine[k + "_low"], mine[k + "_high"] = min(values), max(values)
        mine["excess"], mine["failed"] = excess_of(case, arrays_ours, eps)
        print("  " + report.line(mine), flush=True)
        rows.append(mine)
        for row in theirs:
            for k in ("forward", "backward", "both"):
                if row.get("best_" + k):
                    row["ratio_" + k] = row["best_" + k] / mine[k]
        rows.extend(theirs)
        header["seconds"] = before + round(time.monotonic() - start)
        save(base_out + ".jsonl", header, rows)
    for w in [ours] + peers:
        w.stop()
    log.close()

    save(base_out + ".jsonl", header, rows)
    report.write(base_out, header, rows)
    print(f"wrote {args.name}.txt, .md, .csv, .jsonl and .png, {header['seconds']} s", flush=True)


def save(path, header, rows):
    with open(path + ".new", "w") as f:
        f.write(json.dumps({"header": header}) + "\n")
        for row in rows:
            f.write(json.dumps(row) + "\n")
    os.replace(path + ".new", path)


def remember(spent, row):
    """What a case took a peer, in seconds, and for how many problems."""
    key = (row["solver"], row["family"], row["eps"], row["n"], row["batch"])
    if row.get("error") == "too slow":
        spent[key] = (float("inf"), row["batch"])
    elif "error" not in row:
        spent[key] = ((row.get("both") or row["forward"]) / 1e3, row["batch"])


def batch_before(spent, name, p, eps, batch):
    done = [k[4] for k in spent if k[:4] == (name, p["family"], eps, p["n"]) and k[4] <= batch]
    return max(done) if done else None


if __name__ == "__main__":
    main()
