"""What a training step costs here, beside other engines and beside the same step written by hand.

`python -m benchmarks` asks the questions; `README.md` says which there are and how to read the answers. The one idea:
a machine that others use too is slow for seconds at a time, so nothing is measured alone. Every peer lives in a process
of its own, all of them take turns in short slices on one core, and what counts is the ratio taken inside each round.
"""
