"""What a study leaves out or makes simpler than it is, and what is known of the effect. Printed in every report."""

SIMPLIFICATIONS: tuple[tuple[str, str, str], ...] = ()
"""(room, what, effect)."""
