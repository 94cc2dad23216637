"""The compiled extension modules; everything else about the project is in pyproject.toml."""

import os
import sys

from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("NNAPPROX_DEBUG_KERNELS") == "1"
# sanitizers take ten minutes to compile at -O3
GNU_FLAGS = ["-std=gnu11", "-O1" if DEBUG else "-O3", "-ffp-contract=fast"]

kernels = Extension(
    "nnapprox._kernels",
    ["nnapprox/_kernels.pyx"],
    depends=[
        f"nnapprox/{name}.h"
        for name in ("_simd", "_targets", "_types", "_steps", "_rows", "_samples", "_narrow", "_lists", "_fours")
    ],
    define_macros=[("NNAPPROX_DEBUG", "1")] if DEBUG else [],
    extra_compile_args=[] if sys.platform == "win32" else GNU_FLAGS,
)

plane = Extension(
    "nnapprox._plane",
    ["nnapprox/_plane.pyx"],
    depends=[
        f"nnapprox/{name}.h"
        for name in (
            *("_plane", "_plane_block", "_plane_chords", "_plane_loops", "_plane_stack", "_plane_types"),
            *("_integer", "_residues", "_targets"),
        )
    ]
    + ["nnapprox/_layer.pxi"],
    # its error bounds count roundings: a contracted product and sum have one less, the bounds hold
    extra_compile_args=[] if sys.platform == "win32" else GNU_FLAGS,
)

space = Extension(
    "nnapprox._space",
    ["nnapprox/_space.pyx"],
    depends=[f"nnapprox/{name}.h" for name in ("_space", "_space_loops", "_integer", "_residues", "_targets")]
    + ["nnapprox/_layer.pxi"],
    # whatever the instruction set: a contracted product and sum would decide others in doubles
    extra_compile_args=[] if sys.platform == "win32" else [*GNU_FLAGS, "-ffp-contract=off"],
)

coder = Extension(
    "nnapprox._coder",
    ["nnapprox/_coder.pyx"],
    depends=["nnapprox/_coder.h", "nnapprox/_trellis.h"],
    # every machine makes the same choices: no product and sum may be contracted
    extra_compile_args=[] if sys.platform == "win32" else [*GNU_FLAGS, "-ffp-contract=off"],
)

setup(
    ext_modules=cythonize(
        [kernels, plane, space, coder],
        compiler_directives={"language_level": 3, "boundscheck": DEBUG, "wraparound": False, "cdivision": True},
    ),
    options={"build_ext": {"parallel": os.cpu_count()}},
)
