"""Other solvers behind one interface. See worker.py, and ../README.md."""
