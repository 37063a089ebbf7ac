"""Functions that return functions: derivatives, Jacobians, Hessians, expansions."""
