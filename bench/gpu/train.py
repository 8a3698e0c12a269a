#!/usr/bin/env python3
"""Trains denoising, MNIST and mini-Sudoku with the networks on XLA, and the QPs in each
of the ways there are, side by side, by a binary of optnet that was built elsewhere with
the build tag xla, and prints one table.

    train.py --optnet BINARY --plugin PJRT_PLUGIN --mnist DIR --out FOLDER [--small] [--only WORD] [--no-cuda]

Without --plugin that of the installed wheel jax-cuda13-pjrt is taken. Nothing is built
and nothing is fetched. --small is for a rehearsal.
"""
import argparse, glob, json, os, subprocess, sys, time

p = argparse.ArgumentParser()
p.add_argument("--optnet", required=True)
p.add_argument("--plugin")
p.add_argument("--mnist", required=True)
p.add_argument("--out", required=True)
p.add_argument("--only", default="")
p.add_argument("--small", action="store_true")
p.add_argument("--no-cuda", action="store_true")
p.add_argument("--limit", type=float, default=120, help="seconds for one training")
p.add_argument("--budget", type=float, default=400, help="seconds for all")
a = p.parse_args()

env = dict(os.environ, GOMLX_NO_AUTO_INSTALL="1", GOPJRT_CUDA_CHECKS="0", TF_CPP_MIN_LOG_LEVEL="2")
if not a.plugin:
    import sysconfig
    site = sysconfig.get_paths()["purelib"]
    a.plugin = f"{site}/jax_plugins/xla_cuda13/xla_cuda_plugin.so"
    env["LD_LIBRARY_PATH"] = ":".join(sorted(set(glob.glob(f"{site}/nvidia/*/lib") + glob.glob(f"{site}/nvidia/lib"))) + [env.get("LD_LIBRARY_PATH", "")])
    env["XLA_FLAGS"] = f"--xla_gpu_cuda_data_dir={site}/nvidia/cu13"
xla = f"xla:{a.plugin},tf32=false"

small = {"denoise": ["--signals", "80", "--batch", "8", "--epochs", "2"], "mnist": ["--images", "640", "--epochs", "2"], "sudoku": ["--epochs", "1"]}
full = {"denoise": ["--batch", "100", "--epochs", "2"], "mnist": ["--epochs", "3"], "sudoku": []}
args = small if a.small else full
base = {
    "denoise": ["denoise", "--seed", "1", *args["denoise"]],
    "mnist": ["mnist", "--data", a.mnist, "--dropout", "0.3", "--qp-rate", "10", *args["mnist"]],
    "sudoku": ["sudoku", "--seed", "1", *args["sudoku"]],
}
host, gpu, graph = ["--qp", "host"], ["--qp", "host", "--device", "cuda:0"], ["--qp", "graph"]
on = ["--backend", xla]
cases = [  # experiment, what stands in the table, flags
    ("mnist", "no QP (fc)", on + ["--net", "fc"]),
    ("mnist", "host, CPU engine", on + host),
    ("mnist", "host, CUDA engine", on + gpu),
    ("mnist", "in graph", on + graph),
    ("denoise", "no QP (fc)", on + ["--net", "fc"]),
    ("denoise", "host, CPU engine", on + host),
    ("denoise", "host, CUDA engine", on + gpu),
    ("sudoku", "GoMLX in Go, CPU engine", []),
    ("sudoku", "GoMLX in Go, CUDA engine", ["--device", "cuda:0"]),
    ("sudoku", "GoMLX in Go, CUDA engine, again", ["--device", "cuda:0"]),
    ("sudoku", "XLA, CUDA engine", on + gpu),
    ("denoise", "in graph", on + graph),
]
print("| experiment | QPs | ms a step | s an epoch, test included | s the first epoch, compilation included | train loss by epoch | test MSE or error by epoch | unsolved |")
print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
began, failed = time.time(), 0
for name, way, flags in cases:
    if a.only not in f"{name} {way}" or a.no_cuda and "cuda:0" in flags:
        continue
    left = a.budget - (time.time() - began)
    if left < 10:
        print(f"| {name} | {way} | not run: no time left |", flush=True)
        continue
    out = os.path.join(a.out, f"{name} {way}".replace(" ", "-").replace(",", "").replace("(", "").replace(")", ""))
    cmd = [os.path.abspath(a.optnet), "train", *base[name], *flags, "--json", "--out", out]
    try:
        r = subprocess.run(cmd, env=env, capture_output=True, text=True, timeout=min(a.limit, left))
    except subprocess.TimeoutExpired as e:
        failed += 1
        tail = (e.stderr or b"")[-300:]
        print(f"| {name} | {way} | longer than {e.timeout:.0f} s: {tail!r} |", flush=True)
        continue
    if r.returncode != 0:
        failed += 1
        print(f"| {name} | {way} | exit code {r.returncode}: {(r.stdout + r.stderr)[-1500:]} |", flush=True)
        continue
    res = json.loads(r.stdout.splitlines()[-1])
    h = [e for e in res["history"] if e["epoch"] > 0]
    later = h[1:] or h
    step = 1e3 * sum(e["train_seconds"] for e in later) / sum(e["batches"] for e in later)
    epoch = sum(e["seconds"] for e in later) / len(later)
    losses = ", ".join(f"{e['train']['loss']:.4f}" for e in h)
    tests = ", ".join(f"{e['test']['mse']:.3f}" if name == "denoise" else f"{100 * e['test']['error']:.2f} %" for e in h)
    total = f" (whole run {res['seconds']:.2f} s)" if name == "sudoku" else ""
    print(f"| {name} | {way} | {step:.2f} | {epoch:.2f}{total} | {h[0]['seconds']:.2f} | {losses} | {tests} | {sum(e['unsolved'] + e['in_test']['unsolved'] for e in h)} |", flush=True)
sys.exit(failed != 0)
