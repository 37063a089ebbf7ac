"""Pictures of graphs: the tape becomes vertices and edges, is folded and written as DOT, and Graphviz draws it."""

from autodiff.drawing.evaluation import Row, TraceTable, trace_table
from autodiff.drawing.graph import Edge, Graph, Scope, Vertex, read_graph
from autodiff.drawing.pictures import draw
from autodiff.drawing.rendering import Picture, find_renderer
from autodiff.drawing.steps import Frame, Steps, draw_steps

__all__ = [
    "Edge",
    "Frame",
    "Graph",
    "Picture",
    "Row",
    "Scope",
    "Steps",
    "TraceTable",
    "Vertex",
    "draw",
    "draw_steps",
    "find_renderer",
    "read_graph",
    "trace_table",
]
