"""Other people's libraries, to our tables and back. Each is optional, and imported only when asked for."""
