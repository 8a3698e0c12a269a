"""cvxpylayers with solver="MOREAU", and Q as it is."""

from importlib.metadata import version as _version

from peers import cvxpylayers

ABOUT = "CvxpyLayer, solver MOREAU"


def version():
    return f"{cvxpylayers.version()}, moreau {_version('moreau')}"


class Peer(cvxpylayers.Peer):
    solver = "MOREAU"
    square = False
    derivative_args = {}

    def solver_args(self, eps):
        return {}
