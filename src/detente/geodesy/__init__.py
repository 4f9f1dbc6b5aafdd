"""Where things are and when: time, ellipsoid, frames, look angles, line of sight, borders and territory."""
