"""Exercises: a world that feeds live centres, and drills of whole gateways under faults."""
