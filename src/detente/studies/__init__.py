"""Many worlds, every side's centre, a simulated link and an answer key: from replicates to the study table."""
