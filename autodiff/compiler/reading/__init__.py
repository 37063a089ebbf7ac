"""What a function reads and does while it is traced, followed through the interpreter's instructions."""
