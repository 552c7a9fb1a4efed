"""What a run shows of itself: pictures of what a network learned from images, and of where it errs."""
