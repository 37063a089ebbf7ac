"""The cost of a training step, compared with other engines and with the same step written by hand.

`python -m benchmarks` asks the questions; `README.md` lists them and explains the answers. The main idea: a shared
machine may be slow for seconds at a time, so nothing is measured alone. Every peer runs in its own process, all take
turns in short slices on one core, and the result is the ratio within each round.
"""
