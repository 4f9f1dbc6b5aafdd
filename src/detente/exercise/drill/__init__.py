"""Drills: real centres and real gateways under faults, in simulated time, seed by seed."""
