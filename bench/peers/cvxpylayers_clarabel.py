"""cvxpylayers with its default, diffcp, and Clarabel inside instead of SCS."""

from importlib.metadata import version as _version

from peers import cvxpylayers

ABOUT = "CvxpyLayer, default solver (diffcp), solve_method Clarabel"


def version():
    return f"{cvxpylayers.version()}, clarabel {_version('clarabel')}"


class Peer(cvxpylayers.Peer):
    def solver_args(self, eps):
        return {"solve_method": "Clarabel", "tol_feas": eps / 10, "tol_gap_abs": eps / 10, "tol_gap_rel": eps / 10}
