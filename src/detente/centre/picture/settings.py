"""The numbers a picture is made with, each with its source; ``PictureSettings()`` holds the defaults."""

from detente.centre.picture._kernels_layout import PictureSettings

__all__ = ["PictureSettings"]
