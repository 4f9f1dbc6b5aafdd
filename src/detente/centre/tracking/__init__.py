"""Detections to tracks: one side's sensors followed object by object, for many replicates at once."""
