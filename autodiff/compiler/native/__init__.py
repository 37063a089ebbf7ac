"""The native backend: the computing part of a program as C text, compiled by the machine's compiler.

`target` knows the machine and its compiler, `building` compiles, caches and loads, `calling` binds a C function so that
a call costs almost nothing. `places` says where the entries of a value lie, `lowering` sorts operations into loops,
products and others, `expressions`, `loops`, `products`, `patterns` and `repeating` write their C, and `writer` cuts a
program into parts in C and lines of Python, and puts both together.
"""
