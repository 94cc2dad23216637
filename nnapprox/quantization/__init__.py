"""Stored bits against error: the theorem's code, and networks made smaller before they are stored."""
