"""Per-sample SGD in JAX: one jitted scan over the samples, the gradient written by hand, parameters donated.

Weights stand as (out, in): input-major, or sums in place of products, XLA's code is up to twice slower.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers.reference import Array, Peer


@partial(jax.jit, donate_argnums=0)
def scan(parameters, x, targets, order, step):
    def one(parameters, i):
        inputs, live = [x[i]], []
        for w, b in parameters[:-1]:
            h = w @ inputs[-1] + b
            live.append(h > 0)
            inputs.append(jnp.maximum(h, 0))
        w, b = parameters[-1]
        signal = 2 * step * (w @ inputs[-1] + b - targets[i])
        moved = []
        for k in range(len(parameters) - 1, -1, -1):
            w, b = parameters[k]
            moved.append((w - signal[:, None] * inputs[k], b - signal))
            if k:
                signal = (signal @ w) * live[k - 1]
        return moved[::-1], None

    return jax.lax.scan(one, parameters, order)[0]


def make(weights: list[Array], biases: list[Array], x: Array, labels: Array, step: float) -> Peer:
    state = [[(jnp.asarray(w), jnp.asarray(b)) for w, b in zip(weights, biases, strict=True)]]
    x, step = jnp.asarray(x), np.float32(step)
    targets = jnp.eye(len(biases[-1]))[labels]

    def run(order):
        state[0] = jax.block_until_ready(scan(state[0], x, targets, order.astype(np.int32), step))

    return run, lambda: tuple(zip(*jax.device_get(state[0]), strict=True))
