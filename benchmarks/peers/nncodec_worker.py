"""Arrays through NNCodec (MPEG NNR), in a Python of its own: ``python nncodec_worker.py IN.npz OUT.npz``.

IN.npz holds float32 arrays, and as "settings" a JSON list of which of them are to be coded together, and how. OUT.npz
gets the bytes of every stream, as "sizes", and the arrays as they are decoded, called "number/name". Imports nothing of
this project: NNCodec wants another NumPy.
"""

import json
import sys

import numpy as np


def main() -> None:
    from nncodec.nn import nnc

    source, target = sys.argv[1:]
    with np.load(source) as given:
        arrays = {name: given[name] for name in given if name != "settings"}
        settings = json.loads(str(given["settings"]))
    sizes, decoded = [], {}
    for number, setting in enumerate(settings):
        # its tables of what is a weight and what is not go by these endings
        names = {name: f"{name}.{'weight' if arrays[name].ndim > 1 else 'bias'}" for name in setting["qp"]}
        stream = nnc.compress(
            {names[name]: arrays[name] for name in names},
            qp_per_tensor={names[name]: np.int32(qp) for name, qp in setting["qp"].items()},
            use_dq=setting["dependent"],
            lambda_scale=setting["rate"],
            row_skipping=True,
            bitstream_path=None,
            return_bitstream=True,
        )
        sizes.append(len(stream))
        found = nnc.decompress(stream)
        decoded |= {f"{number}/{name}": np.asarray(found[long]) for name, long in names.items()}
    np.savez(target, sizes=sizes, **decoded)


if __name__ == "__main__":
    main()
