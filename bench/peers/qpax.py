"""qpax in JAX on the CPU: vmap and jit in float64, implicit backend. Compilation
is apart. Its gradients are those of a relaxed point; target_kappa is made as
small as the accuracy asks."""

import time
from importlib.metadata import version as _version

import jax

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import qpax  # noqa: E402

from peers import common  # noqa: E402

ABOUT = "implicit backend, vmap, jit, float64"


def version():
    return f"qpax {_version('qpax')}, jax {jax.__version__}"


class Peer(common.Peer):
    gradients = True

    def __init__(self, case, eps, threads):
        super().__init__(case, eps, threads)
        G, h = case.one_sided()
        self.data = [jnp.asarray(x) for x in (case.Q, case.q, case.A, case.b, G, h)]
        self.c = jnp.asarray(case.c)
        tol, kappa = eps / 10, eps / 100
        solve = jax.vmap(lambda *d: qpax.solve_qp(*d, solver_tol=tol, max_iter=60, backend="i"))
        primal = jax.vmap(lambda *d: qpax.solve_qp_primal(*d, solver_tol=tol, target_kappa=kappa, max_iter=60, backend="i"))
        start = time.perf_counter()
        self.solve = jax.jit(solve).lower(*self.data).compile()
        self.vjp = jax.jit(lambda *d: jax.vjp(primal, *d))
        out = self.vjp(*self.data)
        self.pull = jax.jit(lambda f, c: f(c))
        jax.block_until_ready(self.pull(out[1], self.c))
        self.compile_seconds = time.perf_counter() - start
        self.setting = f"solver_tol={tol:g}, target_kappa={kappa:g}"

    def forward(self, keep=False):
        if keep:
            self.out = jax.block_until_ready(self.vjp(*self.data))
        else:
            self.result = jax.block_until_ready(self.solve(*self.data))

    def backward(self):
        self.d = jax.block_until_ready(self.pull(self.out[1], self.c))

    def answer(self):
        z, _, y, nu = (np.asarray(x) for x in self.result[:4])
        return (z, nu if self.case.p else None) + self.case.net(y)

    def grads(self, count):
        dQ, dp, dA, db, dG, dh = (np.asarray(x)[:count] for x in self.d)
        out = {"dQ": dQ, "dp": dp, **self.case.net_rows(dG, dh)}
        if self.case.p:
            out.update(dA=dA, db=db)
        return out
