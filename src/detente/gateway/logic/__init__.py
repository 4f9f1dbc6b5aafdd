"""What a gateway decides, without a socket, a disk or a clock: events in, records and frames out."""
