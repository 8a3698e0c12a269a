"""What all peers share: the problems as arrays, and the interface.

    minimize   ½ zᵀQz + pᵀz     subject to   Az = b (ν),   hl ≤ Gz ≤ h (λ),   l ≤ z (μ)

λ and μ are net multipliers, negative at a lower side: Qz + p + Aᵀν + Gᵀλ + μ = 0.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np


class Case:
    """The first `batch` problems of a file, all arrays per element."""

    def __init__(self, arrays, batch):
        self.batch = batch
        self.q = np.ascontiguousarray(arrays["p"][:batch])
        self.n = n = self.q.shape[1]
        self.c = np.ascontiguousarray(arrays["c"][:batch])  # the cotangent of z

        def coef(name, dims, *empty):
            x = arrays.get(name)
            if x is None:
                return np.zeros((batch,) + empty)
            if x.ndim == dims:  # shared by the batch
                x = np.broadcast_to(x, (batch,) + x.shape)
            return np.ascontiguousarray(x[:batch])

        self.diagonal = arrays["Q"].ndim == 1
        if self.diagonal:
            self.Q = coef("Q", 1)[:, :, None] * np.eye(n)
        else:
            self.Q = coef("Q", 2)
        self.A, self.b = coef("A", 2, 0, n), coef("b", 1, 0)
        self.G, self.h = coef("G", 2, 0, n), coef("h", 1, 0)
        self.p, self.m = self.b.shape[1], self.h.shape[1]
        self.hl = coef("hl", 1) if "hl" in arrays else None
        self.l = coef("l", 1) if "l" in arrays else None

    def one_sided(self):
        """(G, h) such that Gz ≤ h are all rows and bounds: upper sides, lower
        sides, then bounds."""
        G, h = [self.G], [self.h]
        if self.hl is not None:
            G.append(-self.G)
            h.append(-self.hl)
        if self.l is not None:
            G.append(np.broadcast_to(-np.eye(self.n), (self.batch, self.n, self.n)))
            h.append(-self.l)
        return np.ascontiguousarray(np.concatenate(G, 1)), np.concatenate(h, 1)

    def net(self, y):
        """λ and μ of the multipliers of one_sided's rows."""
        lam, at = y[:, : self.m].copy(), self.m
        if self.hl is not None:
            lam -= y[:, at : at + self.m]
            at += self.m
        mu = -y[:, at : at + self.n] if self.l is not None else None
        return lam, mu

    def net_rows(self, dG, dh):
        """Gradients by G and h of those by one_sided's."""
        g = {"dG": dG[:, : self.m].copy(), "dh": dh[:, : self.m]}
        if self.hl is not None:
            g["dG"] -= dG[:, self.m : 2 * self.m]
            g["dhl"] = -dh[:, self.m : 2 * self.m]
        return g

    def sides(self):
        """Lower and upper sides of the rows of G."""
        lower = self.hl if self.hl is not None else np.full_like(self.h, -np.inf)
        return lower, self.h


class TooSlow(Exception):
    """The peer is not tried on this case, since it would take too long."""


class Peer:
    """One solver on one case. The constructor prepares what a user prepares
    once, and converts the data to the solver's types; it is not timed.

    forward() solves the batch; with keep, so that backward() can follow, which
    computes the gradient of Σ c·z with respect to all data that the solver
    differentiates by. native is the solver's own clock for the last call, in
    seconds, or None.
    """

    gradients = False
    native = None
    native_backward = None
    setting = ""
    compile_seconds = None

    def __init__(self, case, eps, threads):
        self.case, self.eps, self.threads = case, eps, threads

    def prepare(self):
        """What is decided by trying, once there is a case. Not timed."""

    def forward(self, keep=False):
        raise NotImplementedError

    def backward(self):
        raise NotImplementedError

    def answer(self):
        """z, nu, lam, mu; nu, lam, mu may be None where there are none."""
        raise NotImplementedError

    def grads(self, count):
        """dQ, dp, dA, db, dG, dh, dhl of the first few elements: those that the
        solver returns."""
        return {}


class Loop(Peer):
    """A peer without batches: one(i, t) solves element i with the solver of
    thread t, back(i, t) differentiates it, and both return the seconds of the
    solver's own clock, or None.

    The batch is halved over two Python threads where that is faster, which is
    where the peer gives the interpreter's lock back.
    """

    threaded = False

    def one(self, i, t, keep):
        raise NotImplementedError

    def back(self, i, t):
        raise NotImplementedError

    def forward(self, keep=False):
        self.native = self._loop(lambda i, t: self.one(i, t, keep))

    def backward(self):
        self.native_backward = self._loop(self.back)

    def prepare(self):
        """Decides on threads, by the first few elements."""
        if self.case.batch < 2 or self.threads < 2:
            return
        self.pool = ThreadPoolExecutor(self.threads)
        few = min(self.case.batch, 16)

        def call(i, t):
            return self.one(i, t, False)

        def best(run):
            run(call, few)
            times = []
            for _ in range(3):
                start = time.perf_counter()
                run(call, few)
                times.append(time.perf_counter() - start)
                if sum(times) > 1:
                    break
            return min(times)

        self.threaded = best(self._parallel) < 0.9 * best(self._serial)
        self.setting += f", {self.threads} Python threads" if self.threaded else ", one Python thread"

    def _part(self, call, t, batch):
        """The share of thread t: the sum of what call returns, or None."""
        total = 0.0
        for i in range(batch * t // self.threads, batch * (t + 1) // self.threads):
            s = call(i, t)
            total = None if s is None or total is None else total + s
        return total

    def _serial(self, call, batch):
        return [self._part(call, t, batch) for t in range(self.threads)]

    def _parallel(self, call, batch):
        return list(self.pool.map(lambda t: self._part(call, t, batch), range(self.threads)))

    def _loop(self, call):
        batch = self.case.batch
        parts = (self._parallel if self.threaded else self._serial)(call, batch)
        if None in parts:
            return None
        # What the solver's clock would show on all cores, without Python between
        # its calls: a bound that flatters the peer.
        return sum(parts) / min(self.threads, batch)
