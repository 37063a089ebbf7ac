"""Pictures of graphs: the tape is read into vertices and edges, these are written as DOT, Graphviz draws it."""

from autodiff.drawing.dot import draw
from autodiff.drawing.graph import Edge, Graph, Vertex, read_graph
from autodiff.drawing.rendering import Picture, find_renderer

__all__ = ["Edge", "Graph", "Picture", "Vertex", "draw", "find_renderer", "read_graph"]
