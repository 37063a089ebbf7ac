"""From functions to functions: derivatives, Jacobians, Hessians, expansions."""
