"""One side's picture: own and partner tracks joined, where each came from and will land, and who must be warned."""
