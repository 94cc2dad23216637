"""One network through NNCodec (MPEG NNR), in a Python of its own: ``python nncodec_point.py IN.npz OUT.npz QP``.

IN.npz holds arrays W0, b0, ...; OUT.npz gets them as they are decoded, and the bytes of the stream. Without a QP the
codec's own default is taken. Imports nothing of this project: NNCodec wants another NumPy.
"""

import sys

import numpy as np


def main() -> None:
    from nncodec import nn

    source, target, *qp = sys.argv[1:]
    with np.load(source) as arrays:
        model = {f"{name}.{'weight' if name[0] == 'W' else 'bias'}": arrays[name] for name in arrays}
    options = {"qp": int(qp[0])} if qp else {}
    stream = nn.encode(model, options)
    decoded = nn.decode(stream)
    np.savez(target, size=len(stream), **{name.split(".")[0]: np.asarray(decoded[name]) for name in model})


if __name__ == "__main__":
    main()
