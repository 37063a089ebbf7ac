"""The engine without a Tensor: primitives, the tape, the two sweeps, masks, what is switched on."""
