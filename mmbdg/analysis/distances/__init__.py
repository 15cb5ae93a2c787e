"""How far two sets of images lie apart in the space of a network's features."""
