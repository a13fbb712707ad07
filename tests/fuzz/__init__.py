"""`make fuzz`: what reads foreign bytes, under inputs that look for a way through it."""
