"""Moreau with its interior-point method, whatever the size."""

from peers import moreau

ABOUT = "CompiledSolver, device cpu, solver=ipm"
version = moreau.version


class Peer(moreau.Peer):
    method = "ipm"
