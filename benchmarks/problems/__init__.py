"""Published test problems, as functions of arrays."""
