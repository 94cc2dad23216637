"""``python -m nnapprox``."""

from nnapprox.cli import main

if __name__ == "__main__":
    main()
