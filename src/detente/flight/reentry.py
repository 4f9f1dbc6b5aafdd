"""What is taken of a body that reenters when nobody knows what it is: one belief for all who predict its fall."""

# What moves an impact is the inverse of the ballistic coefficient: its mean over the catalogue's missiles, each evenly
# between its low and its high, and the deviation of which 1.96 times holds 95 % of them, as a sigma of the logarithm:
# 80 % of the mean. (The plain deviation is 71 %: many are near the mean and a few far above.)
BALLISTIC_COEFFICIENT_KG_M2 = 4_130.0
BALLISTIC_LOG_SIGMA = 0.59
