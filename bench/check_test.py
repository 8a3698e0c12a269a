"""python -m unittest check_test, in the environment of peers.sh."""

import unittest

import numpy as np

import check
import report
from peers.common import Case


def case(**more):
    # min ½‖z‖² − (2, 1)·z  s.t.  z₀ + z₁ ≤ 1:  z = (1, 0), λ = 1.
    data = {"Q": np.eye(2)[None], "p": np.array([[-2.0, -1.0]]), "c": np.zeros((1, 2)), "G": np.ones((1, 1, 2)), "h": np.ones((1, 1))}
    return Case({**data, **more}, 1)


class Excess(unittest.TestCase):
    def worst(self, z, lam, mu=None, nu=None, of=None):
        a = [None if x is None else np.array([x], float) for x in (z, nu, lam, mu)]
        return check.excess(of or case(), *a, 1e-8)[0]

    def test_solution(self):
        self.assertLess(self.worst([1, 0], [1]), 1e-6)

    def test_each_residual(self):
        self.assertGreater(self.worst([1 + 1e-6, 0], [1]), 1)  # primal
        self.assertGreater(self.worst([1, 0], [1 + 1e-6]), 1)  # dual
        self.assertGreater(self.worst([0, 0], [0]), 1)
        self.assertGreater(self.worst([1, 0], [-1]), 1)  # no lower side: taken as 0
        self.assertEqual(self.worst([np.nan, 0], [1]), np.inf)

    def test_gap(self):
        # z = (1, 0) and λ = 1 at h = 2: feasible and stationary, not complementary.
        self.assertGreater(self.worst([1, 0], [1], of=case(h=np.full((1, 1), 2.0))), 1)

    def test_lower_side_and_bounds(self):
        # z₀ + z₁ ≥ 5 instead: z = (3, 2), λ = −1.
        low = case(h=np.full((1, 1), 9.0), hl=np.full((1, 1), 5.0))
        self.assertLess(self.worst([3, 2], [-1], of=low), 1e-6)
        # z₀ ≥ 3, the row being loose: z = (3, 1), μ = (−1, 0).
        bound = case(h=np.full((1, 1), 9.0), l=np.array([[3.0, 0.0]]))
        self.assertLess(self.worst([3, 1], [0], mu=[-1, 0], of=bound), 1e-6)
        self.assertGreater(self.worst([2, 1], [0], mu=[0, 0], of=bound), 1)

    def test_one_sided(self):
        both = case(hl=np.full((1, 1), -5.0), l=np.zeros((1, 2)))
        G, h = both.one_sided()
        np.testing.assert_array_equal(G[0], [[1, 1], [-1, -1], [-1, 0], [0, -1]])
        np.testing.assert_array_equal(h[0], [1, 5, 0, 0])
        lam, mu = both.net(np.array([[4.0, 1.0, 2.0, 3.0]]))
        np.testing.assert_array_equal(lam, [[3]])
        np.testing.assert_array_equal(mu, [[-2, -3]])


class Gradients(unittest.TestCase):
    def test_difference(self):
        ours = {"z": np.ones((1, 2)), "dp": np.array([[3.0, 4.0]]), "dQ": np.array([[[0.0, 2.0], [2.0, 0.0]]])}
        same = {"dp": np.array([[3.0, 4.0]]), "dQ": np.array([[[0.0, 4.0], [0.0, 0.0]]])}  # its symmetric part counts
        self.assertEqual(check.gradient_difference(ours, same), 0)
        self.assertAlmostEqual(check.gradient_difference(ours, {"dp": np.array([[3.0, 5.0]])}), 0.25)
        self.assertIsNone(check.gradient_difference(ours, {"z": np.zeros((1, 2))}))
        self.assertTrue(np.isnan(check.gradient_difference(ours, {"dp": np.array([[np.nan, 4.0]])})))



class Merge(unittest.TestCase):
    def test_later_figures_replace_earlier(self):
        head = {"cpu": "x", "kernels": "y", "cores": "2 of 2", "quick": False, "seconds": 3, "date": "2026-01-02", "about": {}}
        case = {"family": "optnet", "problem": "n1", "n": 1, "m": 1, "p": 0, "batch": 1, "eps": 1e-8}
        ours, theirs = {**case, "solver": "optnet", "forward": 1.0}, {**case, "solver": "a", "forward": 2.0}
        first = ("1", ({**head, "about": {"a": 1}}, [ours, theirs]))
        second = ("2", ({**head, "date": "2026-01-01", "about": {"b": 1}}, [{**ours, "forward": 4.0}, {**theirs, "solver": "b"}]))
        third = ("3", (head, [{**case, "solver": "optnet", "error": "not run: out of time"}]))
        header, rows = report.merge([first, second, third])
        self.assertEqual((header["seconds"], header["date"], header["about"]), (9, "2026-01-02", {"a": 1, "b": 1}))
        self.assertEqual({r["solver"]: r.get("forward") for r in rows}, {"optnet": 4.0, "a": 2.0, "b": 2.0})
        with self.assertRaises(SystemExit):
            report.merge([first, ("4", ({**head, "cpu": "z"}, []))])


if __name__ == "__main__":
    unittest.main()
