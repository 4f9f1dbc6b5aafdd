"""The tables and arrays that cross rooms: each column declared once, with dtype, shape, unit and frame."""
