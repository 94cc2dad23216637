"""Pictures for the pages of docs/, small enough to keep in a repository."""

from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

DOCS = Path(__file__).parent.parent / "docs"
DPI = 80

MOST_BYTES = 200_000
"""A picture that takes more is reduced to 256 colours."""


def save(figure: Figure, name: str, title: str) -> list[str]:
    """Write a picture, and give the lines that show it."""
    path = DOCS / "pictures" / f"{name}.png"
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=DPI)
    if path.stat().st_size > MOST_BYTES:
        with Image.open(path) as picture:
            picture.convert("P", palette=Image.Palette.ADAPTIVE).save(path, optimize=True)
    return ["", f"![{title}](pictures/{path.name})"]
