"""Demo programs: ``python -m demos`` lists them."""
