"""Pictures of the calculus, drawn with Matplotlib (the extra ``plot``), and the style that every picture here shares.

Each function returns the Figure it drew on; those that fill one pair of axes take ``ax=``.
"""
