"""Opportunities and plans: from a picture, never from the truth, to when and where an object could be met."""
