"""CVXPY's side of models.json: a description becomes a problem, and data for it."""

import json
import warnings

import cvxpy as cp
import numpy as np

warnings.filterwarnings("ignore")

FUNCTIONS = {
    "Abs": cp.abs,
    "Conv": cp.convolve,
    "CumSum": cp.cumsum,
    "Diag": cp.diag,
    "Diff": cp.diff,
    "Div": lambda a, b: a / b,
    "Dot": lambda a, b: cp.sum(cp.multiply(a, b)),
    "Entr": cp.entr,
    "Exp": cp.exp,
    "GeoMean": cp.geo_mean,
    "HarmonicMean": cp.harmonic_mean,
    "InvPos": cp.inv_pos,
    "KLDiv": cp.kl_div,
    "Kron": cp.kron,
    "LambdaMax": cp.lambda_max,
    "Log": cp.log,
    "LogDet": cp.log_det,
    "LogSumExp": cp.log_sum_exp,
    "Logistic": cp.logistic,
    "MatrixFrac": cp.matrix_frac,
    "Max": cp.max,
    "Maximum": cp.maximum,
    "Mul": lambda a, b: a @ b,
    "Neg": lambda a: -a,
    "Norm1": cp.norm1,
    "Norm2": lambda a: cp.norm(a, 2),
    "NormInf": cp.norm_inf,
    "NormNuc": cp.normNuc,
    "Norms2": lambda a: cp.norm(a, 2, axis=1),
    "QuadForm": cp.quad_form,
    "QuadOverLin": cp.quad_over_lin,
    "RelEntr": cp.rel_entr,
    "SigmaMax": cp.sigma_max,
    "Sqrt": cp.sqrt,
    "Square": cp.square,
    "Sub": lambda a, b: a - b,
    "Sum": cp.sum,
    "SumCols": lambda a: cp.sum(a, axis=1),
    "SumRows": lambda a: cp.sum(a, axis=0),
    "SumSquares": cp.sum_squares,
    "T": lambda a: a.T,
    "TV": cp.tv,
    "Times": cp.multiply,
    "Trace": cp.trace,
    "VStack": lambda *a: cp.hstack(a),  # vectors are 1-D here, columns there
    "Vec": lambda a: cp.vec(a, order="C"),
    # functions with numbers
    "At": lambda a, i: a[i],
    "CVaR": cp.cvar,
    "Const": np.array,
    "Huber": cp.huber,
    "PNorm": cp.pnorm,
    "Power": cp.power,
    "Reshape": lambda a, m, n: cp.reshape(a, (m, n), order="C"),
    "Row": lambda a, i: a[i, :],
    "Rows": lambda a, i, j: a[i:j],
    "SumLargest": cp.sum_largest,
}


def add(*args):
    total = args[0]
    for a in args[1:]:
        total = total + a
    return total


def constraint(c, names):
    kind, *args = c
    a = [expression(x, names) for x in args]
    match kind:
        case "Eq":
            return a[0] == a[1]
        case "Leq":
            return a[0] <= a[1]
        case "Geq":
            return a[0] >= a[1]
        case "SOC":
            return cp.SOC(a[0], a[1])
        case "PSD":
            return a[0] >> 0
        case "ExpCone":
            return cp.ExpCone(*a)
        case "PowCone":
            return cp.PowCone3D(*a)
    raise ValueError(kind)


def expression(x, names):
    if isinstance(x, str):
        return names[x]
    if not isinstance(x, list):
        return x
    name, *args = x
    if name == "Const":
        return np.array(args[0], dtype=float)
    a = [expression(y, names) for y in args]
    return add(*a) if name == "Add" else FUNCTIONS[name](*a)


def read(path):
    with open(path) as f:
        return {d["name"]: d for d in json.load(f)}


def attributes(leaf, gp, param):
    kw = {}
    if leaf.get("nonneg"):
        kw["nonneg"] = True
    if leaf.get("symmetric"):
        kw["symmetric"] = True
    if leaf.get("psd"):
        kw = {"PSD": True}
    if gp:
        kw = {"pos": True}
    return kw


def build(d):
    """Returns the problem, its parameters and its variables."""
    gp = d.get("gp", False)
    names, params, variables = {}, [], []
    for v in d["vars"]:
        x = cp.Variable(tuple(v["dims"]), name=v["name"], **attributes(v, gp, False))
        names[v["name"]] = x
        variables.append(x)
    for p in d["params"]:
        x = cp.Parameter(tuple(p["dims"]), name=p["name"], **attributes(p, gp, True))
        names[p["name"]] = x
        params.append(x)
    objective = expression(d["objective"], names)
    sense = cp.Maximize if d.get("maximize") else cp.Minimize
    problem = cp.Problem(sense(objective), [constraint(c, names) for c in d["constraints"]])
    return problem, params, variables


def draw(leaf, rng, count):
    """Count values of a parameter, as an array with the batch first."""
    shape = (count, *leaf["dims"])
    kind = leaf["draw"]
    if kind == "normal":
        return rng.standard_normal(shape)
    if kind == "symmetric":
        a = rng.standard_normal(shape)
        return (a + a.swapaxes(1, 2)) / 2
    if kind == "psd":
        a = rng.standard_normal(shape)
        n = shape[1]
        return a @ a.swapaxes(1, 2) / n + 0.1 * np.eye(n)
    if kind[0] == "uniform":
        return rng.uniform(kind[1], kind[2], shape)
    if kind[0] == "near-identity":
        return np.eye(shape[1]) + kind[1] * rng.standard_normal(shape)
    raise ValueError(kind)


def data(d, batch, seed=1):
    """Parameters, weights w_NAME of the variables and directions d_NAME."""
    rng = np.random.default_rng([seed, *d["name"].encode()])
    arrays = {}
    for p in d["params"]:
        x = draw(p, rng, 1 if p.get("shared") else batch)
        arrays[p["name"]] = x[0] if p.get("shared") else x
        move = draw(dict(p, draw="symmetric" if p.get("psd") or p.get("symmetric") else "normal"), rng, len(x))
        arrays["d_" + p["name"]] = (move[0] if p.get("shared") else move) * 0.1
    for v in d["vars"]:
        w = rng.standard_normal((batch, *v["dims"]))
        if v.get("psd"):
            w = (w + w.swapaxes(1, 2)) / 2
        arrays["w_" + v["name"]] = w
    return arrays
