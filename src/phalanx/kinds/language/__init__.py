"""Language models: one long text, of which a network learns what comes next.

- ``corpus``: the text as a task; what `problem` is for rows that have targets.
- ``scoring``: the cost of a text, and more text.
- ``codecs``: one long text as codes, and back exactly: of characters, words or byte pairs.
- ``model``: trained networks with the codec of its tokens.
- ``baselines``: what needs no network.
"""
