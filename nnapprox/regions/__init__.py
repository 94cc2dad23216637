"""The regions on which a piecewise linear network is affine."""
