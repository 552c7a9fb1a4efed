"""Series: a table of regular times becomes windows of the past and the values that follow them.

- ``times``: regular times: days, months, weekdays, hours; how far apart they are, and their places on a grid.
- ``layout``: which columns of a table are the series.
- ``grid``: the table on a regular grid, with what was missing or out of order.
- ``given``: a series as Python has it, and a forecast as it is returned.
- ``windows``: what each forecast sees and is to say; parts in the order of time.
- ``seasons``: after how many steps a series resembles itself, and how far back a forecast looks.
- ``encoder``: learned from the training part, turns any series into windows.
"""
