"""From a study's saved tables to one self-contained page that an analyst would forward and a minister would read."""
