"""What a function reads and does while it is traced, told from the instructions that the interpreter runs."""
