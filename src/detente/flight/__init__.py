"""How things fly: gravity, air, boost, coast and reentry; launch solutions; fly-out tables."""
