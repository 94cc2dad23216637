"""The regions on which a piecewise linear network is affine."""

from nnapprox.regions.count import count_regions, regions
from nnapprox.regions.region_count import RegionCount

__all__ = ["RegionCount", "count_regions", "regions"]
