"""Runs one peer: python -m peers.worker NAME, requests as JSON lines on standard
input, replies on standard output. The Go program beside answers the same
requests (serve.go).
"""

import importlib
import json
import os
import statistics
import sys
import time
import traceback

import numpy as np

import check
from peers.common import Case, TooSlow

# How much tighter than the residual test a peer's own tolerances may get.
TIGHTENINGS = (1, 10, 100, 1000)


def sample(request, call, warm):
    """Calls repeatedly, until seconds are over, or reps calls took enough of
    them. A warm-up that took longer than all the seconds there are is the
    sample: `warm` is what it returned."""
    if warm[0] >= request["cap"] / 4:
        return [warm]
    out, start = [], time.perf_counter()
    while True:
        out.append(call())
        spent = time.perf_counter() - start
        if spent >= request["seconds"] or (len(out) >= request["reps"] and spent >= request["enough"]):
            return out


def medians(samples):
    columns = []
    for values in zip(*samples):
        values = [v for v in values if v is not None]
        columns.append(statistics.median(values) if values else None)
    return columns


def build(module, case, request):
    """The peer with the loosest tolerances that pass the residual test, or, if none
    does, the loosest with the fewest failures; and what its first call returned."""
    clock, began = time.perf_counter, time.perf_counter()
    best = None
    for factor in TIGHTENINGS:
        try:
            peer = module.Peer(case, request["eps"] / factor, request["threads"])
            peer.prepare()
            t0 = clock()
            peer.forward()
            first = clock() - t0, peer.native
            failed = (check.excess(case, *peer.answer(), request["eps"]) > 1).sum()
        except Exception:
            if best is None:
                raise
            break  # it fails where it is asked for more than it can
        if best is None or failed < best[0]:
            best = failed, peer, first
        if failed == 0 or clock() - began > request["cap"] / 4:
            break
    return best[1:]


def run(module, request, cache):
    if cache.get("file") != request["file"]:
        cache.clear()
        with np.load(request["file"]) as f:
            cache.update(file=request["file"], arrays={k: f[k] for k in f.files})
    case = Case(cache["arrays"], request["batch"])
    if sum(x.nbytes for x in cache["arrays"].values()) > 1 << 26:
        cache.clear()  # this is one of many processes
    peer, first = build(module, case, request)
    clock = time.perf_counter
    reply = {}

    def forward():
        t0 = clock()
        peer.forward()
        return clock() - t0, peer.native

    def both():
        peer.native_backward = None
        t0 = clock()
        peer.forward(keep=True)
        t1 = clock()
        peer.backward()
        t2 = clock()
        nf, nb = peer.native, peer.native_backward
        return t2 - t0, t1 - t0, t2 - t1, nb, nf + nb if nf is not None and nb is not None else None

    def ms(s):
        return None if s is None else 1e3 * s

    samples = sample(request, forward, first)
    f, nf = medians(samples)
    reply.update(forward=ms(f), forward_native=ms(nf), calls=len(samples))
    answer = dict(zip(("z", "nu", "lam", "mu"), peer.answer()))
    arrays = {k: np.asarray(v, dtype=float) for k, v in answer.items() if v is not None}
    if peer.gradients and request["backward"]:
        if reply["forward"] * 2e-3 > request["cap"]:
            reply["backward_error"] = "too slow"
        else:
            try:
                samples = sample(request, both, both())
                bo, _, ba, nb, nbo = medians(samples)
                reply.update(both=ms(bo), backward=ms(ba), backward_native=ms(nb), both_native=ms(nbo), calls=reply["calls"] + len(samples))
                for k, v in peer.grads(min(request["grads"], case.batch)).items():
                    arrays[k] = np.asarray(v, dtype=float)
            except Exception as e:  # the forward figures stand
                traceback.print_exc()
                reply["backward_error"] = f"{type(e).__name__}: {e}"[:300]
    reply.update(setting=peer.setting, compile=peer.compile_seconds)
    if request["out"]:
        np.savez(request["out"], **arrays)
    return {k: v for k, v in reply.items() if v is not None}


def main():
    # Peers may print: what is meant for compare.py goes to a copy of standard
    # output, and the rest to standard error.
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    cache, module = {}, None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if module is None:
                module = importlib.import_module("peers." + sys.argv[1])
            if request["op"] == "about":
                reply = {"version": module.version(), "setting": getattr(module, "ABOUT", "")}
            else:
                reply = run(module, request, cache)
        except TooSlow:
            reply = {"error": "too slow"}
        except Exception as e:
            traceback.print_exc()
            reply = {"error": f"{type(e).__name__}: {e}"[:300]}
        out.write(json.dumps(reply) + "\n")


if __name__ == "__main__":
    main()
