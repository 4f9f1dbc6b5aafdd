"""What is asked: sides, agreement, catalogue, raid, and the files they are written in."""
