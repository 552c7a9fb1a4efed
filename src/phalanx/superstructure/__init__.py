"""One program for networks of several structures: see `merge`.

slot        one place of a superstructure: the layers that may stand there, and the switch between them
alignment   which layers of several networks share a place
seating     where the layers of each network stand, and their parameters among those of the place
merge       networks as one superstructure, and their parameters in it and out of it
programs    which structures share a program: what compiling costs against what padding does
"""
