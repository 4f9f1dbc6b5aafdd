"""How good tracks are, measured against truth."""
