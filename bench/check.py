"""The one checker for every solver's answers, in NumPy. It shares no code with
any of them.

Residuals are ∞-norms on the problem's own data:

    primal  Az − b, and the violation of rows and bounds
    dual    Qz + p + Aᵀν + Gᵀλ + μ
    gap     |zᵀQz + pᵀz + bᵀν + (side at λ's sign)ᵀλ + (bound at μ's sign)ᵀμ|

An element passes when each is at most eps·(1 + scale), the scale being the largest
of the terms that were summed (Az, b, Gz; Qz, p, Aᵀν, Gᵀλ, μ; the two objectives). A
multiplier that is positive or negative at a side that is not there is taken as
zero first, for every solver alike.
"""

import numpy as np


def _norm(x):
    """∞-norm of each element's vector; 0 of an empty one."""
    return np.abs(x).max(axis=1) if x.shape[1] else np.zeros(x.shape[0])


def _times(M, x):
    return np.einsum("bij,bj->bi", M, x)


def _transposed(M, x):
    return np.einsum("bij,bi->bj", M, x)


def excess(case, z, nu, lam, mu, eps):
    """The largest residual of each element over its tolerance: at most 1 passes.
    NaN becomes infinity."""
    batch = case.batch

    def default(x, k):
        return np.zeros((batch, k)) if x is None else np.asarray(x)

    nu, lam, mu = default(nu, case.p), default(lam, case.m), default(mu, case.n)
    if case.hl is None:
        lam = np.maximum(lam, 0)
    mu = np.minimum(mu, 0) if case.l is not None else np.zeros_like(mu)

    Qz, Az, Gz = _times(case.Q, z), _times(case.A, z), _times(case.G, z)
    ATnu, GTlam = _transposed(case.A, nu), _transposed(case.G, lam)
    primal = np.maximum(_norm(Az - case.b), _norm(np.maximum(Gz - case.h, 0)))
    if case.hl is not None:
        primal = np.maximum(primal, _norm(np.maximum(case.hl - Gz, 0)))
    if case.l is not None:
        primal = np.maximum(primal, _norm(np.maximum(case.l - z, 0)))
    primal_scale = np.maximum.reduce([_norm(Az), _norm(case.b), _norm(Gz)])
    dual = _norm(Qz + case.q + ATnu + GTlam + mu)
    dual_scale = np.maximum.reduce([_norm(x) for x in (Qz, case.q, ATnu, GTlam, mu)])

    zQz, pz = (z * Qz).sum(1), (case.q * z).sum(1)
    sides = (case.b * nu).sum(1) + (case.h * np.maximum(lam, 0)).sum(1)
    if case.hl is not None:
        sides = sides + (case.hl * np.minimum(lam, 0)).sum(1)
    if case.l is not None:
        sides = sides + (case.l * mu).sum(1)
    gap = np.abs(zQz + pz + sides)
    gap_scale = np.maximum(np.abs(zQz / 2 + pz), np.abs(zQz / 2 + sides))

    worst = np.maximum.reduce([r / (eps + eps * s) for r, s in ((primal, primal_scale), (dual, dual_scale), (gap, gap_scale))])
    return np.where(np.isnan(worst), np.inf, worst)


def gradient_difference(ours, theirs):
    """The largest relative difference of gradients over the elements: per element
    the largest difference of any coefficient that both have, over the largest of
    our gradients by those coefficients (a gradient by p alone can be zero, at a
    vertex); Q's by its symmetric part. None if there is nothing to compare."""
    names = [k for k in ours if k in theirs and k.startswith("d")]
    if not names:
        return None
    difference = size = 0
    for name in names:
        a, b = ours[name], theirs[name]
        k = min(len(a), len(b))
        a, b = a[:k], b[:k]
        if name == "dQ":
            a, b = (a + a.transpose(0, 2, 1)) / 2, (b + b.transpose(0, 2, 1)) / 2
        a, b = a.reshape(k, -1), b.reshape(k, -1)
        difference, size = np.maximum(difference, _norm(b - a)), np.maximum(size, _norm(a))
    worst = difference / np.maximum(size, 1e-300)
    return float("nan") if np.isnan(worst).any() else float(worst.max())
