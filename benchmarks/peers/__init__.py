"""The same SGD, and the same evaluation, in other tools: each made as fast as its tool allows."""
