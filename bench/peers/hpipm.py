"""HPIPM with BLASFEO, the dense QP solver in C, through ctypes: one workspace a
thread. The libraries are those inside the PyPI wheel of acados, which names their
folder. No derivatives are called here.

Its time is the wall time less that of as many calls of a function that reads one int, since
the interpreter has no part in the work between them."""

import ctypes
import importlib.util
import os
import time
from importlib.metadata import version as _version

import numpy as np

import check
from peers import common

ABOUT = "dense_qp_ipm, the first of modes BALANCE and ROBUST that passes, called through ctypes"
_root = os.path.join(os.path.dirname(importlib.util.find_spec("acados").origin), "install", "lib")
ctypes.CDLL(os.path.join(_root, "libblasfeo.so"), mode=ctypes.RTLD_GLOBAL)
_lib = ctypes.CDLL(os.path.join(_root, "libhpipm.so"))
SPEED_ABS, SPEED, BALANCE, ROBUST = range(4)  # the first two never passed on all elements


def version():
    return f"hpipm of comma-deps-acados {_version('comma-deps-acados')}"


def _make(kind, *args):
    """A structure and its memory: both must live as long as it is used. The
    structures hold sizes and pointers, a few hundred bytes."""
    memsize, create = getattr(_lib, f"d_{kind}_memsize"), getattr(_lib, f"d_{kind}_create")
    memsize.restype = ctypes.c_size_t
    struct = ctypes.create_string_buffer(8192)
    mem = ctypes.create_string_buffer(memsize(*args) + 64)
    create(*args, struct, mem)
    return struct, mem


def _p(x):
    return ctypes.c_void_p(x.ctypes.data)


class _Workspace:
    def __init__(self, case, eps, mode):
        c = case
        nb = c.n if c.l is not None else 0
        self.dim, self._m0 = _make("dense_qp_dim")
        _lib.d_dense_qp_dim_set_all(c.n, c.p, nb, c.m, 0, 0, self.dim)
        self.qp, self._m1 = _make("dense_qp", self.dim)
        self.sol, self._m2 = _make("dense_qp_sol", self.dim)
        self.arg, self._m3 = _make("dense_qp_ipm_arg", self.dim)
        _lib.d_dense_qp_ipm_arg_set_default(mode, self.arg)
        for name in ("stat", "eq", "ineq", "comp"):
            v = ctypes.c_double(eps / (100 if name == "comp" else 4))
            getattr(_lib, f"d_dense_qp_ipm_arg_set_tol_{name}")(ctypes.byref(v), self.arg)
        it = ctypes.c_int(100)
        _lib.d_dense_qp_ipm_arg_set_iter_max(ctypes.byref(it), self.arg)
        self.ws, self._m4 = _make("dense_qp_ipm_ws", self.dim, self.arg)
        if nb:
            self.idxb = np.arange(nb, dtype=np.int32)
            _lib.d_dense_qp_set_idxb(_p(self.idxb), self.qp)
            zero = np.zeros(nb)
            _lib.d_dense_qp_set_ub(_p(zero), self.qp)
            _lib.d_dense_qp_set_ub_mask(_p(zero), self.qp)
        if c.m and c.hl is None:
            zero = np.zeros(c.m)
            _lib.d_dense_qp_set_lg(_p(zero), self.qp)
            _lib.d_dense_qp_set_lg_mask(_p(zero), self.qp)


class Peer(common.Loop):
    def __init__(self, case, eps, threads):
        super().__init__(case, eps, threads)
        c = case
        self.keep = [np.ascontiguousarray(c.A.transpose(0, 2, 1)), np.ascontiguousarray(c.G.transpose(0, 2, 1))]
        self.z, self.nu = np.empty((c.batch, c.n)), np.empty((c.batch, c.p))
        self.up, self.lo = np.zeros((c.batch, c.m)), np.zeros((c.batch, c.m))
        self.mu = np.zeros((c.batch, c.n))
        L = _lib
        fields = [(L.d_dense_qp_set_H, c.Q), (L.d_dense_qp_set_g, c.q)]
        if c.p:
            fields += [(L.d_dense_qp_set_A, self.keep[0]), (L.d_dense_qp_set_b, c.b)]
        if c.m:
            fields += [(L.d_dense_qp_set_C, self.keep[1]), (L.d_dense_qp_set_ug, c.h)]
            if c.hl is not None:
                fields.append((L.d_dense_qp_set_lg, c.hl))
        if c.l is not None:
            fields.append((L.d_dense_qp_set_lb, c.l))
        self.unused = np.zeros((c.batch, c.n))  # multipliers of upper bounds, and of no soft sides
        results = [self.z, self.unused, self.unused, self.nu, self.mu, self.unused, self.lo, self.up, self.unused, self.unused]
        self.overhead = 0.0
        self.sets = [[(f, _p(x[i])) for f, x in fields] for i in range(c.batch)]
        self.gets = [[_p(x[i]) for x in results] for i in range(c.batch)]
        for self.mode in BALANCE, ROBUST:
            self.spaces = [_Workspace(c, eps, self.mode) for _ in range(threads)]
            for i in range(c.batch):
                self.one(i, 0, False)
            if check.excess(c, *self.answer(), eps).max() <= 1:
                break
        # What the interpreter costs, measured on a function that reads an int.
        empty, w = L.d_dense_qp_ipm_get_status, self.spaces[0]
        calls, status = 20000, ctypes.byref(ctypes.c_int())
        start = time.perf_counter()
        for _ in range(calls):
            empty(w.ws, status)
        self.overhead = (len(fields) + 2) * (time.perf_counter() - start) / calls
        self.setting = f"tol={eps / 4:g}, mode {'BALANCE' if self.mode == BALANCE else 'ROBUST'}"

    def one(self, i, t, keep):
        w = self.spaces[t]
        start = time.perf_counter()
        qp, sol = w.qp, w.sol
        for f, x in self.sets[i]:
            f(x, qp)
        _lib.d_dense_qp_ipm_solve(qp, sol, w.arg, w.ws)
        _lib.d_dense_qp_sol_get_all(sol, *self.gets[i])
        return max(time.perf_counter() - start - self.overhead, 0.0)

    def answer(self):
        c = self.case
        # HPIPM's ν has the other sign: Qz + p − Aᵀπ + …
        return self.z, -self.nu if c.p else None, self.up - self.lo, -self.mu if c.l is not None else None
