"""What really happens: the raid flies, and sensors see it. Nothing that a centre imports may reach this room."""
