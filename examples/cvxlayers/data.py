"""Draws the random numbers of the experiments of cvxpylayers, with its generators
and seeds, and writes them to data.npz. Needs numpy, scipy and torch."""

import numpy as np
import torch
from scipy.linalg import solve_discrete_are, sqrtm
from torch.utils.data import DataLoader, TensorDataset

out = {}


def save(**arrays):
    for k, v in arrays.items():
        out[k] = np.ascontiguousarray(v.detach().numpy() if isinstance(v, torch.Tensor) else v)


def orders(count, batch, epochs):
    """The order in which a shuffling loader gives the samples, epoch by epoch."""
    loader = DataLoader(TensorDataset(torch.arange(count)), batch_size=batch, shuffle=True)
    return np.array([np.concatenate([b[0].numpy() for b in loader]) for _ in range(epochs)], dtype=np.int32)


# ReLU layers: single precision there.
torch.manual_seed(0)
for i in (1, 2):
    save(**{f"relu_W{i}": (1e-3 * torch.randn(20, 20)).double(), f"relu_b{i}": (1e-3 * torch.randn(20)).double()})
last = torch.nn.Linear(20, 1)
save(relu_w=last.weight.double(), relu_c=last.bias.double(), relu_X=torch.randn(300, 20).double(), relu_Y=torch.randn(300, 1).double())

torch.set_default_dtype(torch.double)

# Monotone regression.
n, m = 20, 10
torch.manual_seed(0)
save(monotone_theta=torch.randn(n, m))
for k, count in (("train", 100), ("val", 50)):
    save(**{f"monotone_X_{k}": torch.randn(count, n), f"monotone_noise_{k}": torch.randn(count, m)})
save(monotone_order=orders(100, 16, 20))

# Resource allocation.
m = 10
torch.manual_seed(0)
save(resource_alpha=torch.rand(m))
for k, count in (("train", 100), ("val", 50)):
    save(**{f"resource_P_{k}": torch.rand(count, m), f"resource_B_{k}": torch.rand(count) * 10, f"resource_U_{k}": torch.rand(count, m) + 0.5})
torch.manual_seed(1)
save(resource_start=torch.rand(m), resource_order=orders(100, 4, 25))

# Constrained MPC.
n, m, steps = 10, 4, 1000
np.random.seed(0)
torch.manual_seed(0)
A = np.random.randn(n, n)
A /= np.max(np.abs(np.linalg.eig(A)[0]))
save(mpc_A=A, mpc_B=np.random.randn(n, m), mpc_weights=torch.randn(n).abs())


def simulation(seed):
    torch.manual_seed(seed)
    x0 = torch.randn(n)
    return torch.stack([x0] + [torch.randn(n) for _ in range(steps)])[:steps]


noise = simulation(0)
torch.manual_seed(1)
moves = torch.stack([torch.randn(m) for _ in range(steps)])
noise_val = simulation(243)
moves_val = torch.stack([torch.randn(m) for _ in range(steps)])
save(mpc_noise=noise, mpc_moves=moves, mpc_noise_val=noise_val, mpc_moves_val=moves_val)

# Convex approximate dynamic programming.
n, m = 2, 3
np.random.seed(1)
A = np.eye(n) + 1e-2 * np.random.randn(n, n)
B = 1e-2 / 3 * np.random.randn(n, m)
P = solve_discrete_are(A, B, np.eye(n), np.eye(m))
torch.manual_seed(1)
torch.set_default_dtype(torch.float)
noise = torch.stack([torch.stack([0.2 * torch.randn(n, 1).double() for _ in range(25)]) for _ in range(8)])[..., 0]
save(adp_A=A, adp_B=B, adp_root=np.real(sqrtm(np.eye(m) + B.T @ P @ B)), adp_cross=A.T @ P @ B, adp_noise=noise)

# Signal denoising. The signals are cos(b·t); single precision is enough for noise.
n = 100
torch.set_default_dtype(torch.double)
torch.manual_seed(0)
np.random.seed(0)
root = 0.1 * np.random.randn(n, n)
normal = torch.distributions.MultivariateNormal(torch.zeros(n), covariance_matrix=torch.tensor(root.T @ root))
rates, noise = [], []
for _ in range(600):
    rates.append(np.random.uniform(low=1, high=3))
    noise.append(normal.sample().numpy())
save(denoise_rates=np.array(rates), denoise_noise=np.array(noise, dtype=np.float32))

np.savez_compressed("data.npz", **out)
