"""Watching a network while it trains, and judging its state."""
