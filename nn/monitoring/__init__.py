"""Looking at a network while it trains, and what to say of it."""
