"""Per-sample SGD in JAX: one jitted scan over the samples, the gradient written by hand."""

import jax
import jax.numpy as jnp
import numpy as np


@jax.jit
def scan(parameters, x, labels, order, step):
    def one(parameters, i):
        inputs, live = [x[i]], []
        for w, b in parameters[:-1]:
            h = inputs[-1] @ w + b
            live.append(h > 0)
            inputs.append(jnp.where(h > 0, h, 0))
        w, b = parameters[-1]
        signal = -2 * step * (inputs[-1] @ w + b).at[labels[i]].add(-1)
        moved = []
        for k in range(len(parameters) - 1, -1, -1):
            w, b = parameters[k]
            moved.append((w + jnp.outer(inputs[k], signal), b + signal))
            if k:
                signal = jnp.where(live[k - 1], w @ signal, 0)
        return moved[::-1], None

    return jax.lax.scan(one, parameters, order)[0]


def make(weights, biases, x, labels, step):
    state = [[(jnp.asarray(w.T), jnp.asarray(b)) for w, b in zip(weights, biases, strict=True)]]
    x, labels, step = jnp.asarray(x), jnp.asarray(labels), np.float32(step)

    def run(order):
        state[0] = scan(state[0], x, labels, jnp.asarray(order), step)
        jax.block_until_ready(state[0])

    return run, lambda: ([np.asarray(w).T for w, _ in state[0]], [np.asarray(b) for _, b in state[0]])
