"""The I/O around one side's centre: today recorded detections in and warnings out, by file."""
