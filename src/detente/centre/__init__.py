"""What one side knows: tracks, picture and exchange, and the step that composes them. Blind to truth."""
