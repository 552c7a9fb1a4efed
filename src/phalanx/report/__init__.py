"""What a run shows of itself: which choice mattered, what a network learned from images, and where it errs."""
